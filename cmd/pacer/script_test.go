package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pacer-perf/pacer/internal/history/pgtest"
)

// TestMain makes the test binary the program "pacer" for scripts and for tests
// that start it.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_PACER") != "" {
		main()
	}
	testscript.Main(withServers{m}, map[string]func(){"pacer": main})
}

// withServers ends the servers that tests shared.
type withServers struct{ m *testing.M }

func (w withServers) Run() int { return pgtest.Main(w.m) }

// Every verb does with a history in PostgreSQL what it does with a file.
func TestScriptsPostgres(t *testing.T) {
	t.Parallel()
	scripts(t, "testdata/postgres", func(env *testscript.Env) {
		env.Setenv("POSTGRES", pgtest.Address(t))
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	scripts(t, "testdata/script", func(*testscript.Env) {})
}

func scripts(t *testing.T, dir string, setup func(*testscript.Env)) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			// The race detector holds each process of a test binary for a second.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("TZ", "UTC")
			// The history of a script is here, whatever lies above this folder.
			if err := os.Mkdir(filepath.Join(env.WorkDir, ".pacer"), 0o777); err != nil {
				return err
			}
			setup(env)
			env.Values[forgeKey] = &standIn{atEnd: env.Defer}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "forge": forgeCommand, "hook": hookCommand, "waitfor": waitForCommand},
	})
}

// exits runs a program and wants an exact exit status: exits 2 pacer check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// waitForCommand waits until a file is there: waitfor FILE.
func waitForCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %s within a minute", args[0])
		}
	}
}
