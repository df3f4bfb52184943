package measure

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Task is a command with what belongs around each execution of it.
type Task struct {
	Command
	// Prepare and Cleanup are commands for the shell, before and after each
	// execution, which are not measured. "": none.
	Prepare, Cleanup string
	StepTimeout      time.Duration // after which either is stopped; 0: never
	// Count asks for instructions. Where the processor does not count them,
	// each execution is followed by another one that is counted by valgrind.
	Count bool
	// Took is taken off the time of each execution: what a shell takes to
	// start.
	Took Start
}

// Start is what it takes to start something.
type Start struct{ Wall, CPU time.Duration }

// StepError is a command around the measured one that failed.
type StepError struct {
	Step    string // "prepare"
	Command string
	Result  Result
}

func (e *StepError) Error() string {
	return fmt.Sprintf("%s %q failed: %s", e.Step, e.Command, e.Result.Failure)
}

// Shell returns the arguments that make the system's shell run a text.
func Shell(text string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/C", text}
	}
	return []string{"sh", "-c", text}
}

// Once runs a task one time. The Result is that of its command, with the
// instructions that were counted, if they were asked for. A *StepError says
// that something around it failed; what comes after an execution happens
// whatever became of that.
func (r *Runner) Once(ctx context.Context, t *Task) (Result, error) {
	result, err := r.around(ctx, t, func() (Result, error) { return r.Run(ctx, t.Command) })
	if err != nil || result.Failure != "" {
		return result, err
	}
	if t.Took != (Start{}) {
		result.Wall, result.CPU = max(1, result.Wall-t.Took.Wall), max(0, result.CPU-t.Took.CPU)
		result.Startup = max(min(result.Startup, 1), result.Startup-t.Took.Wall)
	}
	if !t.Count || result.Instructions >= 0 {
		return result, nil
	}
	counted, err := r.around(ctx, t, func() (Result, error) { return r.count(ctx, t.Command) })
	if err != nil {
		return result, err
	}
	if counted.Failure != "" {
		counted.Failure += ", when valgrind counted its instructions"
		return counted, nil
	}
	result.Instructions = counted.Instructions
	return result, nil
}

// around does what belongs before and after one execution.
func (r *Runner) around(ctx context.Context, t *Task, execute func() (Result, error)) (Result, error) {
	if err := r.Step(ctx, t, "prepare", t.Prepare); err != nil {
		return Result{}, err
	}
	result, err := execute()
	if ctx.Err() != nil {
		return result, err
	}
	if after := r.Step(ctx, t, "cleanup", t.Cleanup); err == nil {
		err = after
	}
	return result, err
}

// Step runs a command around a task's for the shell, in its folder and with
// its environment; "" is none.
func (r *Runner) Step(ctx context.Context, t *Task, name, text string) error {
	if text == "" {
		return nil
	}
	env := append(slices.Clip(t.Env), notMeasured...)
	result, err := r.Run(ctx, Command{Args: Shell(text), Dir: t.Dir, Env: env, Output: t.Output, Timeout: t.StepTimeout, Grace: t.Grace})
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, text, err)
	}
	if result.Failure != "" {
		return &StepError{name, text, result}
	}
	return nil
}

// notMeasured keeps what is executed beside the measured command from
// exporting what it measures, as the SDK would.
var notMeasured = []string{"PACER_EXPORT=", "PACER_READY="}

// ShellStart measures what the shell takes to start and to end: the medians of
// so many executions of an empty text.
func (r *Runner) ShellStart(ctx context.Context, times int) (Start, error) {
	var wall, cpu []time.Duration
	for range times {
		result, err := r.Run(ctx, Command{Args: Shell("")})
		if err != nil {
			return Start{}, err
		}
		wall, cpu = append(wall, result.Wall), append(cpu, result.CPU)
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	return Start{wall[times/2], cpu[times/2]}, nil
}

// NoInstructions says why instructions cannot be counted here in any way, ""
// if they can.
func NoInstructions() string {
	why := NoCounters()
	if why == "" {
		return ""
	}
	if _, err := exec.LookPath("valgrind"); err == nil {
		return ""
	}
	return "no hardware counters: " + strings.TrimSuffix(why, ".") + "; and no valgrind to count them without"
}
