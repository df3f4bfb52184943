package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary act as commands that are measured.
func TestMain(m *testing.M) {
	what, arg, _ := strings.Cut(os.Getenv("TEST_COMMAND"), "=")
	n, _ := strconv.Atoi(arg)
	switch what {
	case "":
		os.Setenv("GORACE", "atexit_sleep_ms=0") // for helpers
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
	case "deaf": // to every signal that can be ignored; so is its child, in a group of its own
		signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
		if n > 0 {
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "TEST_COMMAND=deaf=0")
			child.Stdout = os.Stdout
			ownGroup(child)
			if err := child.Start(); err != nil {
				panic(err)
			}
		}
		fmt.Println("pid", os.Getpid())
		time.Sleep(time.Minute)
	case "cat":
		io.Copy(os.Stdout, os.Stdin)
	case "dir":
		dir, _ := os.Getwd()
		fmt.Println(dir, os.Getenv("PWD"), os.Getenv("TEST_TWICE"))
	case "serve":
		serve(arg)
	}
	os.Exit(0)
}

// open returns a runner that is closed with the test.
func open(t testing.TB, ctx context.Context) *Runner {
	t.Helper()
	r, err := Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("closing the runner: %v", err)
		}
	})
	return r
}

// run runs one command.
func run(t testing.TB, c Command) (Result, error) {
	t.Helper()
	return open(t, t.Context()).Run(t.Context(), c)
}

func command(what string) Command {
	return Command{Args: []string{os.Args[0]},
		// The race detector holds each process of a test binary for a second.
		Env: []string{"TEST_COMMAND=" + what, "GORACE=atexit_sleep_ms=0"}}
}

func TestRun(t *testing.T) {
	t.Parallel()
	r, err := run(t, command("burn=50"))
	if err != nil || r.Failure != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Wall < 50*time.Millisecond || r.Wall > time.Minute || r.CPU < 10*time.Millisecond || r.CPU > 2*r.Wall+time.Second {
		t.Errorf("%+v of a command that burns 50 ms", r)
	}
}

// A runner knows what all of its commands took, also of those that count for
// nothing.
func TestCPU(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	sum := time.Duration(0)
	for range 2 {
		result, err := r.Run(t.Context(), command("burn=20"))
		if err != nil || result.CPU <= 0 {
			t.Fatalf("%+v, %v", result, err)
		}
		sum += result.CPU
	}
	if got := r.CPU(); got != sum {
		t.Errorf("%v in all, want %v", got, sum)
	}
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{"exit=0": "", "exit=3": "exit status 3"} {
		if r, err := run(t, command(what)); err != nil || r.Failure != want {
			t.Errorf("%s: %q, %v; want %q", what, r.Failure, err, want)
		}
	}
	if r, err := run(t, Command{Args: []string{"sh", "-c", "kill -KILL $$"}, Env: []string{"GORACE=atexit_sleep_ms=0"}}); err != nil || r.Failure != "signal: killed" {
		t.Errorf("killed: %+v, %v", r, err)
	}
	if _, err := run(t, Command{Args: []string{"no-such-program-anywhere"}}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no such program: %v", err)
	}
	if _, err := run(t, Command{}); err == nil {
		t.Error("nothing was run")
	}
	notProgram := t.TempDir() + "/text"
	if err := os.WriteFile(notProgram, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r, err := run(t, Command{Args: []string{notProgram}}); err == nil {
		t.Errorf("a text was run: %+v", r)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := command("print=20000")
	c.Output = &out
	r, err := run(t, c)
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
	if r, err := run(t, c); err != nil || r.Tail != "true true true" {
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
	r, err := run(t, c)
	if err != nil || r.Left == 0 || r.Tail != "done" || r.Wall > 30*time.Second {
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
	if r, err := run(t, command("print=3")); err != nil || r.Left != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A command that hangs is stopped with the context, and so is what it started,
// even if neither listens; nothing stays behind.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"hang=0", "deaf=0", "deaf=1"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			want := 1 + strings.Count(what, "1")
			var out writerFunc = func(p []byte) (int, error) {
				if want -= strings.Count(string(p), "pid"); want == 0 {
					cancel()
				}
				return len(p), nil
			}
			c := command(what)
			c.Output, c.Grace = out, 50*time.Millisecond
			if what == "deaf=0" { // as under valgrind
				c.quit, c.Grace = c.Grace, time.Hour
			}
			r, err := open(t, ctx).Run(ctx, c)
			if !errors.Is(err, context.Canceled) || strings.HasPrefix(what, "deaf") != r.Killed {
				t.Fatalf("%+v, %v", r, err)
			}
			gone(t, r.Tail)
		})
	}
}

// gone checks that the processes whose "pid N" lines these are have ended.
func gone(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.SplitSeq(lines, "\n") {
		pid := strings.TrimPrefix(line, "pid ")
		if _, err := strconv.Atoi(pid); err != nil {
			t.Fatalf("output = %q", lines)
		}
		if stat, err := os.ReadFile("/proc/" + pid + "/cmdline"); err == nil && bytes.Contains(stat, []byte(os.Args[0])) {
			t.Errorf("process %s is still there", pid)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	c := command("deaf=1")
	c.Timeout, c.Grace = 2*time.Second, 50*time.Millisecond
	r, err := run(t, c)
	if err != nil || r.Failure != "timed out after 2s" || !r.Killed || r.Wall < time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	gone(t, r.Tail)
	c = command("exit=3")
	c.Timeout = time.Minute
	if r, err := run(t, c); err != nil || r.Failure != "exit status 3" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSurroundings(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := command("dir=0")
	c.Dir = dir
	c.Env = append(c.Env, "TEST_TWICE=1", "TEST_TWICE=2")
	if r, err := run(t, c); err != nil || r.Tail != dir+" "+dir+" 2" {
		t.Errorf("%q, %v", r.Tail, err)
	}
	// A path of a program is one in the folder where it runs.
	program := filepath.Join(dir, "program")
	if err := os.Symlink(os.Args[0], program); err != nil {
		t.Fatal(err)
	}
	c.Args = []string{"./program"}
	if r, err := run(t, c); err != nil || r.Failure != "" {
		t.Errorf("%+v, %v", r, err)
	}
	c.Dir = filepath.Join(dir, "missing")
	if _, err := run(t, c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	c.Dir = program
	if _, err := run(t, c); err == nil {
		t.Error("a file was taken for a folder")
	}
	if _, err := run(t, Command{Args: []string{"true", "\x00"}}); err == nil {
		t.Error("a zero byte was handed on")
	}

	// Standard input, and output into a file.
	in := filepath.Join(dir, "in")
	if err := os.WriteFile(in, []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c = command("cat=0")
	if c.Stdin, err = os.Open(in); err != nil {
		t.Fatal(err)
	}
	defer c.Stdin.Close()
	if c.File, err = os.Create(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	defer c.File.Close()
	if r, err := run(t, c); err != nil || r.Tail != "hello" {
		t.Errorf("%q, %v", r.Tail, err)
	}
	if text, err := os.ReadFile(c.File.Name()); err != nil || string(text) != "hello\n" {
		t.Errorf("%q, %v", text, err)
	}
	if r, err := run(t, command("cat=0")); err != nil || r.Tail != "" {
		t.Errorf("without input: %q, %v", r.Tail, err)
	}
}

// One runner runs commands one after the other, whatever becomes of them.
func TestSeveral(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	for i := range 20 {
		if result, err := r.Run(t.Context(), command(fmt.Sprintf("exit=%d", i%3))); err != nil || (result.Failure == "") != (i%3 == 0) {
			t.Errorf("%d: %+v, %v", i, result, err)
		}
		if _, err := r.Run(t.Context(), Command{Args: []string{"no-such-program-anywhere"}}); err == nil {
			t.Error("nothing was run")
		}
	}
	large := command("exit=0")
	for i := range 2000 { // more than fits into a socket at once
		large.Env = append(large.Env, fmt.Sprintf("TEST_%d=%s", i, strings.Repeat("x", 400)))
	}
	if result, err := r.Run(t.Context(), large); err != nil || result.Failure != "" {
		t.Errorf("%+v, %v", result, err)
	}
	r.Close()
	if _, err := r.Run(t.Context(), command("exit=0")); err == nil {
		t.Error("a closed runner ran a command")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
