package measure

import (
	"cmp"
	"context"
	"errors"
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
	StepTimeout      time.Duration // after which either is stopped; 0: never, but see cleanupTime
	// Count asks for instructions. Where the processor does not count them,
	// each execution is followed by another one that is counted by valgrind.
	Count bool
	// AllowFailure counts the instructions of an execution that fails too.
	AllowFailure bool
}

// Start is what it takes to start something.
type Start struct {
	Wall, CPU time.Duration
	// WallVaries and CPUVaries are how far apart the ends of the middle eight
	// tenths of them lie.
	WallVaries, CPUVaries time.Duration
}

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
	if err != nil || !t.Count || result.Instructions >= 0 || !t.counts(&result) {
		return result, err
	}
	counted, err := r.around(ctx, t, func() (Result, error) { return r.count(ctx, t.Command) })
	if err != nil {
		return result, err
	}
	if !t.counts(&counted) {
		counted.Failure += ", when valgrind counted its instructions"
		return counted, nil
	}
	result.Instructions = counted.Instructions
	return result, nil
}

// counts tells whether the instructions of an execution that ended so are of
// use. One that was ended from outside stopped anywhere.
func (t *Task) counts(r *Result) bool {
	return r.Failure == "" || t.AllowFailure && !r.Late && (t.Ready == nil || r.Startup > 0)
}

// cleanupTime is what an interrupted task's cleanup may take unless StepTimeout
// says otherwise: somebody waits for it.
const cleanupTime = 10 * time.Second

// afterwards is the context of what follows an execution, and the task: those of
// the execution, or, if it was interrupted, a context that ends at the second
// blow, and a time that the cleanup has.
func (t *Task) afterwards(ctx context.Context) (context.Context, *Task, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, t, func() {}
	}
	limited := *t
	limited.StepTimeout = cmp.Or(t.StepTimeout, cleanupTime)
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := atOnce(ctx, cancel)
	return after, &limited, func() { stop(); cancel() }
}

// around does what belongs before and after one execution. After an interrupt
// the error is the context's, and with it that of the cleanup if that failed.
func (r *Runner) around(ctx context.Context, t *Task, execute func() (Result, error)) (Result, error) {
	if err := r.Step(ctx, t, "prepare", t.Prepare); err != nil {
		return Result{}, err
	}
	result, err := execute()
	then, limited, done := t.afterwards(ctx)
	defer done()
	after := r.Step(then, limited, "cleanup", t.Cleanup)
	if errors.Is(after, context.Canceled) {
		after = nil
	}
	if err == nil || ctx.Err() != nil {
		err = errors.Join(err, after)
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
// so many executions of an empty text, and how much these vary.
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
	low, high := times/10, times-1-times/10
	return Start{wall[times/2], cpu[times/2], wall[high] - wall[low], cpu[high] - cpu[low]}, nil
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
