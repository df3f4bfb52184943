package pacer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// An app that is ready tells its launcher when, and leaves nothing else there.
func TestReadyTellsLauncher(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "ready")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_APP_EXPORT="+filepath.Join(t.TempDir(), "run.json"), "PACER_READY="+file)
	before := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	after := time.Now()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := strconv.ParseInt(string(text), 10, 64); err != nil || at < before.UnixNano() || at > after.UnixNano() {
		t.Errorf("ready at %q, %v; it ran from %d to %d", text, err, before.UnixNano(), after.UnixNano())
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}
