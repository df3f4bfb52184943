package measure

import (
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

// What a shell takes to start is taken off, but no time is below zero.
func TestTook(t *testing.T) {
	t.Parallel()
	r := open(t, t.Context())
	start, err := r.ShellStart(t.Context(), 5)
	if err != nil || start.Wall <= 0 || start.CPU <= 0 || start.Wall > time.Minute {
		t.Fatalf("%v, %v", start, err)
	}
	task := Task{Command: Command{Args: Shell("sleep 0.2")}, Took: Start{Wall: 50 * time.Millisecond}}
	result, err := r.Once(t.Context(), &task)
	if err != nil || result.Wall < 150*time.Millisecond {
		t.Errorf("%+v, %v", result, err)
	}
	task = Task{Command: Command{Args: Shell(":")}, Took: Start{time.Hour, time.Hour}}
	if result, err = r.Once(t.Context(), &task); err != nil || result.Wall != 1 || result.CPU != 0 {
		t.Errorf("%+v, %v", result, err)
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
	c, ways := served(t, time.Millisecond)
	ready := ways["line"]
	c.Ready, c.Stop, c.Timeout = &ready, true, time.Minute
	startup := Task{Command: c, Count: true}
	if result, err := r.Once(t.Context(), &startup); err != nil || result.Failure != "" || result.Instructions <= 0 || !result.Stopped {
		t.Errorf("%+v, %v", result, err)
	}
}
