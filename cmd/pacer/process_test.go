package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// pacerIn returns a command that runs this program in a folder, with a history
// and temporary files of its own, whatever lies above it.
func pacerIn(dir string, args ...string) *exec.Cmd {
	temporary := filepath.Join(dir, "tmp")
	for _, made := range []string{temporary, filepath.Join(dir, ".pacer")} {
		if err := os.MkdirAll(made, 0o777); err != nil {
			panic(err)
		}
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TEST_PACER=1", "TMPDIR="+temporary, "TMP="+temporary, "GORACE=atexit_sleep_ms=0")
	return cmd
}
