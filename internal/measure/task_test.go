package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := open(t, t.Context())
	task := Task{Command: command("exit=0"), Prepare: "echo before >>log; [ ! -e broken ]", Cleanup: "echo after >>log; rm -f broken"}
	task.Dir = dir
	if result, err := r.Once(t.Context(), &task); err != nil || result.Failure != "" {
		t.Fatalf("%+v, %v", result, err)
	}
	task.Env = append(task.Env, "TEST_COMMAND=exit=3")
	if result, err := r.Once(t.Context(), &task); err != nil || result.Failure != "exit status 3" {
		t.Fatalf("%+v, %v", result, err)
	}
	want := "before\nafter\nbefore\nafter\n"
	if text, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(text) != want {
		t.Errorf("%q, %v; want %q", text, err, want)
	}
	task.Prepare = "echo no; exit 4"
	var step *StepError
	if _, err := r.Once(t.Context(), &task); !errors.As(err, &step) || step.Step != "prepare" || step.Result.Tail != "no" || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("%v", err)
	}
}

// What hangs around an execution is ended as what hangs in it.
func TestStepTimeout(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	for _, name := range []string{"prepare", "cleanup"} {
		task := Task{Command: command("exit=0"), StepTimeout: 200 * time.Millisecond}
		task.Grace = time.Minute
		*map[string]*string{"prepare": &task.Prepare, "cleanup": &task.Cleanup}[name] = "echo begun; exec sleep 600"
		var step *StepError
		if _, err := r.Once(t.Context(), &task); !errors.As(err, &step) || step.Step != name || !step.Result.Late || step.Result.Killed ||
			step.Result.Failure != "timed out after 200ms" || step.Result.Tail != "begun" {
			t.Errorf("%v, %+v", err, step)
		}
	}
}

func TestShellStart(t *testing.T) {
	t.Parallel()
	start, err := open(t, t.Context()).ShellStart(t.Context(), 5)
	if err != nil || start.Wall <= 0 || start.CPU <= 0 || start.Wall > time.Minute || start.WallVaries <= 0 || start.CPUVaries < 0 {
		t.Fatalf("%+v, %v", start, err)
	}
}

// What follows an execution follows one that was interrupted, too, and says if
// it failed; but not for ever, and after the second blow not at all.
func TestCleanupAfterInterrupt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cleanup string
		timeout time.Duration
		kill    bool
		failure string
		done    bool
	}{
		"done":   {cleanup: "echo x >done", done: true},
		"failed": {cleanup: "echo x >done; exit 3", failure: "exit status 3", done: true},
		"hangs":  {cleanup: "exec sleep 600", timeout: 100 * time.Millisecond, failure: "timed out after 100ms"},
		"killed": {cleanup: "exec sleep 600", kill: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, end := context.WithCancel(t.Context())
			defer end()
			kill, killNow := context.WithCancel(t.Context())
			defer killNow()
			ctx := AtOnce(base, kill)
			r := open(t, ctx)
			task := Task{Command: Command{Args: Shell("echo x >begun; exec sleep 600"), Dir: t.TempDir(), Grace: time.Minute}, Cleanup: tt.cleanup, StepTimeout: tt.timeout}
			go func() {
				until(t, filepath.Join(task.Dir, "begun"))
				end()
				if tt.kill {
					killNow()
				}
			}()
			_, err := r.Once(ctx, &task)
			var step *StepError
			errors.As(err, &step)
			if failed := step != nil; !errors.Is(err, context.Canceled) || failed != (tt.failure != "") || failed && step.Result.Failure != tt.failure {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(filepath.Join(task.Dir, "done")); (err == nil) != tt.done {
				t.Errorf("cleaned up: %v", err)
			}
		})
	}
}

// until waits until a file is there.
func until(t *testing.T, name string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("no %s within a minute", name)
			return
		}
	}
}

// The second blow ends what does not listen, without its time of grace.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	base, end := context.WithCancel(t.Context())
	kill, killNow := context.WithCancel(t.Context())
	ctx := AtOnce(base, kill)
	r := open(t, ctx)
	dir := t.TempDir()
	go func() {
		until(t, filepath.Join(dir, "begun"))
		end()
		killNow()
	}()
	// Without the blow the test would take an hour.
	if _, err := r.Run(ctx, Command{Args: Shell(`trap "" INT TERM; echo x >begun; while :; do sleep 600; done`), Dir: dir, Grace: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// The time counts until it is ready, if it goes on then.
func TestTimeUntilReady(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	dir := t.TempDir()
	ready := &Ready{File: filepath.Join(dir, "ready")}
	// It is ready at once, and goes on until its time has long been over.
	result, err := r.Run(t.Context(), Command{Args: Shell("echo x >ready; sleep 6"), Dir: dir, Timeout: 5 * time.Second, Ready: ready})
	if err != nil || result.Failure != "" || result.Startup == 0 {
		t.Errorf("%+v, %v", result, err)
	}
	ready.File = filepath.Join(dir, "never")
	result, err = r.Run(t.Context(), Command{Args: Shell("exec sleep 600"), Dir: dir, Timeout: 200 * time.Millisecond, Ready: ready})
	if err != nil || !result.Late || !strings.HasPrefix(result.Failure, "timed out after 200ms: it was not ready") {
		t.Errorf("%+v, %v", result, err)
	}
}

// What cannot be read again is not read at all.
func TestStdinOfPipe(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	c := command("exit=0")
	c.Stdin = read
	if _, err := open(t, t.Context()).Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "standard input cannot be read from its beginning") {
		t.Errorf("%v", err)
	}
}

// Why a program that is there cannot be started.
func TestStarting(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	for text, want := range map[string]error{"echo no first line\n": ErrNoFormat, "#!/no/such/interpreter -x\n": ErrNoInterpreter} {
		name := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Run(t.Context(), Command{Args: []string{name}}); !errors.Is(err, want) {
			t.Errorf("%q: %v; want %v", text, err, want)
		}
	}
}

// Instructions of the same work are the same, of more work more, whatever the
// machine is busy with; those of a child count too.
func TestCount(t *testing.T) {
	t.Parallel()
	if why := NoInstructions(); why != "" {
		t.Fatalf("%s: install valgrind", why)
	}
	r := open(t, t.Context())
	count := func(args ...string) int64 {
		t.Helper()
		result, err := r.Once(t.Context(), &Task{Command: Command{Args: args, Timeout: time.Minute}, Count: true})
		if err != nil || result.Failure != "" || result.Instructions <= 0 {
			t.Fatalf("%q: %+v, %v", args, result, err)
		}
		return result.Instructions
	}
	loop := func(n string) []string { return []string{"awk", "BEGIN { for (i = 0; i < " + n + "; i++) s += i }"} }
	base, again, more := count(loop("20000")...), count(loop("20000")...), count(loop("30000")...)
	if d := float64(again-base) / float64(base); d < -0.005 || d > 0.005 {
		t.Errorf("the same work takes %d and %d instructions", base, again)
	}
	if more < base+10_000 {
		t.Errorf("half as much work again takes %d instructions, before it was %d", more, base)
	}
	if child := count("sh", "-c", `awk "$1"; exit 0`, "sh", loop("20000")[1]); child < base {
		t.Errorf("with a shell around it, it takes %d instructions, without %d", child, base)
	}
	failing := Task{Command: Command{Args: []string{"sh", "-c", "exit 5"}}, Count: true}
	if result, err := r.Once(t.Context(), &failing); err != nil || result.Failure != "exit status 5" {
		t.Errorf("%+v, %v", result, err)
	}
	failing.AllowFailure = true
	if result, err := r.Once(t.Context(), &failing); err != nil || result.Failure != "exit status 5" || result.Instructions <= 0 {
		t.Errorf("a failing one is not counted: %+v, %v", result, err)
	}
	c, ways := served(t, time.Millisecond)
	ready := ways["line"]
	c.Ready, c.Stop, c.Timeout = &ready, true, time.Minute
	startup := Task{Command: c, Count: true}
	if result, err := r.Once(t.Context(), &startup); err != nil || result.Failure != "" || result.Instructions <= 0 || !result.Stopped {
		t.Errorf("%+v, %v", result, err)
	}
}
