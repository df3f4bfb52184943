package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary act as commands that are measured.
func TestMain(m *testing.M) {
	what, arg, _ := strings.Cut(os.Getenv("TEST_COMMAND"), "=")
	n, _ := strconv.Atoi(arg)
	switch what {
	case "":
		os.Exit(m.Run())
	case "use": // n MB of memory
		block := make([]byte, n<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		os.Exit(int(block[len(block)-1]) - 1)
	case "burn": // n ms of CPU time
		for start := time.Now(); time.Since(start) < time.Duration(n)*time.Millisecond; {
		}
	case "print": // n lines
		for i := range n {
			fmt.Println("line", i+1)
		}
	case "exit":
		os.Exit(n)
	case "started": // how long ago the launcher says it was started, and who else would hear it
		start, err := strconv.ParseInt(os.Getenv("PACER_START"), 10, 64)
		fmt.Println(err == nil && time.Since(time.Unix(0, start)) < time.Minute, os.Getenv("PACER_MEASURE_HELPER") == "",
			os.Getenv("PACER_LAUNCHER") == strconv.Itoa(os.Getppid()))
	case "hang":
		fmt.Println("pid", os.Getpid())
		time.Sleep(time.Minute)
	}
	os.Exit(0)
}

func command(what string) Command {
	return Command{Args: []string{os.Args[0]},
		// The race detector holds each process of a test binary for a second.
		Env: []string{"TEST_COMMAND=" + what, "GORACE=atexit_sleep_ms=0"}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), command("burn=50"))
	if err != nil || r.Failure != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Wall < 50*time.Millisecond || r.Wall > time.Minute || r.CPU < 10*time.Millisecond || r.CPU > 2*r.Wall+time.Second {
		t.Errorf("%+v of a command that burns 50 ms", r)
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{"exit=0": "", "exit=3": "exit status 3"} {
		if r, err := Run(t.Context(), command(what)); err != nil || r.Failure != want {
			t.Errorf("%s: %q, %v; want %q", what, r.Failure, err, want)
		}
	}
	if r, err := Run(t.Context(), Command{Args: []string{"sh", "-c", "kill -KILL $$"}, Env: []string{"GORACE=atexit_sleep_ms=0"}}); err != nil || r.Failure != "signal: killed" {
		t.Errorf("killed: %+v, %v", r, err)
	}
	if _, err := Run(t.Context(), Command{Args: []string{"no-such-program-anywhere"}}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no such program: %v", err)
	}
	if _, err := Run(t.Context(), Command{}); err == nil {
		t.Error("nothing was run")
	}
	notProgram := t.TempDir() + "/text"
	if err := os.WriteFile(notProgram, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r, err := Run(t.Context(), Command{Args: []string{notProgram}}); err == nil {
		t.Errorf("a text was run: %+v", r)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := command("print=20000")
	c.Output = &out
	r, err := Run(t.Context(), c)
	if err != nil || strings.Count(out.String(), "\n") != 20000 {
		t.Errorf("%d lines, %v", strings.Count(out.String(), "\n"), err)
	}
	if lines := strings.Split(r.Tail, "\n"); len(lines) != 10 || lines[9] != "line 20000" {
		t.Errorf("tail = %q", r.Tail)
	}
}

func TestLaunch(t *testing.T) {
	t.Parallel()
	c := command("started=0")
	c.Env = append(c.Env, "PACER_START=1700000000000000000", "PACER_LAUNCHER=1") // of an older launcher
	if r, err := Run(t.Context(), c); err != nil || r.Tail != "true true true" {
		t.Errorf("%q, %v", r.Tail, err)
	}
}

// A process that the command leaves behind keeps nobody waiting, may go on
// printing, and is told of.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := `(until [ -e go ]; do sleep 0.05; done; echo still here && echo alive >late) & echo done`
	c := Command{Args: []string{"sh", "-c", "cd " + dir + "; " + script}, Env: []string{"GORACE=atexit_sleep_ms=0"}}
	r, err := Run(t.Context(), c)
	if err != nil || !r.Left || r.Tail != "done" || r.Wall > 30*time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		if text, err := os.ReadFile(dir + "/late"); err == nil && len(text) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the process left behind was stopped by its output")
		}
		runtime.Gosched()
	}
	if r, err := Run(t.Context(), command("print=3")); err != nil || r.Left {
		t.Errorf("%+v, %v", r, err)
	}
}

// A command that hangs is stopped with the context, and does not stay behind.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out writerFunc = func(p []byte) (int, error) { cancel(); return len(p), nil }
	c := command("hang=0")
	c.Output = out
	r, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v, %v", r, err)
	}
	pid := strings.TrimPrefix(r.Tail, "pid ")
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatalf("tail = %q", r.Tail)
	}
	if stat, err := os.ReadFile("/proc/" + pid + "/cmdline"); err == nil && len(stat) > 0 && bytes.Contains(stat, []byte(os.Args[0])) {
		t.Errorf("process %s is still there", pid)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
