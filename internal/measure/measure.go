// Package measure runs commands and measures them from outside: wall time, CPU
// time, peak memory, page faults, context switches, instructions.
//
// A command is started without a shell, in a process group of its own, without
// a terminal. When its time or the context ends, the group is asked to stop,
// and killed if it does not. On Linux a small helper process starts the
// commands (package helper), and leaves nothing of them behind even if this
// process is killed.
//
// Nothing here knows where results are kept or how they are shown.
package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Command is what to run.
type Command struct {
	Args  []string // the program, which is looked up in PATH, and its arguments
	Dir   string   // to run it in; "": here
	Env   []string // added to the environment; PACER_START is set by Run
	Stdin *os.File // is read from its beginning, which has to be possible; nil: there is nothing to read
	// Output takes standard output and error; nil: only the last of it is
	// kept. With File they go there and are not read here.
	Output io.Writer
	File   *os.File

	// Timeout is after what time it is stopped; 0: never. What goes on when it
	// is ready has that time to get ready.
	Timeout time.Duration
	Grace   time.Duration // between asking it to stop and killing it; 0: two seconds
	Ready   *Ready        // how it tells that it has started up; nil: it is not waited for
	Stop    bool          // ask it to stop once it is ready

	quit time.Duration // Grace when the context ends: nobody waits for the result; 0: the same
}

// Result is what one execution took.
type Result struct {
	Wall time.Duration // from just before it was started to just after it had ended
	// CPU is user and system time together, of the command and of those
	// descendants that were waited for. How it divides into the two is not
	// known for short commands: the kernel counts it in ticks.
	CPU time.Duration
	// PeakMemory is the peak resident memory of the largest single process
	// among the same, in bytes; 0 where the system does not tell. A command
	// that uses less than Floor shows as that or a little more.
	PeakMemory, Floor int64

	// Of the same processes. Major faults read from a disk; a process is
	// preempted when another takes its processor. -1: the system does not tell.
	MinorFaults, MajorFaults       int64
	VoluntarySwitches, Preemptions int64
	// Instructions and Cycles are those in user mode, by the processor's
	// counters; -1: see NoCounters.
	Instructions, Cycles int64

	Startup time.Duration // until it was ready; 0: it never was
	Failure string        // empty if it succeeded: "exit status 3", "signal: killed", "timed out after 5s"
	Stopped bool          // because it was ready; then how it ended is no failure
	Late    bool          // it failed because its time was over
	Killed  bool          // it did not stop when it was asked to
	Tail    string        // the last lines of its output
	Left    int           // processes that it left behind; where the system does not tell, whether there is one
}

// grace is how long a command that was asked to stop may take.
const grace = 2 * time.Second

// errNoCommand is a Command without a program.
var errNoCommand = errors.New("no command to run")

// check says what cannot be handed to a process.
func (c *Command) check() error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return errNoCommand
	}
	for _, list := range [][]string{{c.Dir}, c.Args, c.Env} {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return fmt.Errorf("%q holds a zero byte", s)
			}
		}
	}
	return nil
}

// find returns the path of a command's program, absolute where the command
// runs in another folder.
func (c *Command) find() (string, error) {
	name := c.Args[0]
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return "", err
		} else if !info.IsDir() {
			return "", fmt.Errorf("%s is no folder", c.Dir)
		}
		if strings.ContainsRune(filepath.ToSlash(name), '/') && !filepath.IsAbs(name) {
			name = filepath.Join(c.Dir, name)
			if !strings.ContainsRune(filepath.ToSlash(name), '/') {
				name = "." + string(filepath.Separator) + name
			}
		}
	}
	path, err := exec.LookPath(name)
	if err != nil || c.Dir == "" {
		return path, err
	}
	return filepath.Abs(path)
}

// program is what a program was looked up by. Looking costs as much as all the
// rest of a run.
type program struct{ name, dir, variable string }

// find is Command.find, which it does not ask twice for the same.
func (r *Runner) find(c *Command) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	p := program{name: c.Args[0], dir: c.Dir, variable: os.Getenv("PATH")}
	if path, known := r.found[p]; known {
		return path, nil
	}
	path, err := c.find()
	if err == nil {
		if len(r.found) >= 100 || r.found == nil {
			r.found = make(map[program]string)
		}
		r.found[p] = path
	}
	return path, err
}

// environ returns the environment of a command: of two variables of one name
// the last holds.
func (c *Command) environ() []string {
	all := append(os.Environ(), c.Env...)
	if c.Dir != "" {
		if dir, err := filepath.Abs(c.Dir); err == nil {
			all = append(all, "PWD="+dir)
		}
	}
	last := make(map[string]int, len(all))
	for i, v := range all {
		name, _, _ := strings.Cut(v, "=")
		last[name] = i
	}
	out := make([]string, 0, len(all)+2)
	for i, v := range all {
		name, _, _ := strings.Cut(v, "=")
		if last[name] == i && name != "PACER_START" && name != "PACER_LAUNCHER" {
			out = append(out, v)
		}
	}
	return out
}

// Run runs a command to its end. A command that fails is no error: see
// Result.Failure. The error is about starting or watching it, ErrAlreadyReady,
// or the context's; after that, nothing of it is left.
//
// A Runner runs one command at a time, and further ones when that has ended.
func (r *Runner) Run(ctx context.Context, c Command) (Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	path, err := r.find(&c)
	if err != nil {
		return Result{}, err
	}
	if err := c.Ready.before(ctx); err != nil {
		return Result{}, err
	}
	if c.Stdin != nil {
		if _, err := c.Stdin.Seek(0, io.SeekStart); err != nil {
			return Result{}, fmt.Errorf("standard input cannot be read from its beginning: %w", err)
		}
	}
	out, err := newOutput(&c)
	if err != nil {
		return Result{}, err
	}
	if c.Grace == 0 {
		c.Grace = grace
	}
	e := &execution{command: &c, path: path, output: out}
	watch, stop := context.WithCancel(ctx)
	e.ready = c.Ready.watch(watch, out)
	within, done := e.untilReady(ctx)
	spare := atOnce(ctx, r.kill)
	err = r.execute(within, e)
	spare()
	done()
	r.cpu += e.result.CPU
	stop()
	e.ready.last(ctx, c.Ready)
	out.finish(e.result.Left > 0)
	e.result.Tail = out.tail.lines()
	e.result.Left = max(e.result.Left, out.left())
	if ctx.Err() != nil {
		return e.result, ctx.Err()
	}
	if err != nil {
		return e.result, fmt.Errorf("running %s: %w", c.Args[0], starting(path, err))
	}
	e.conclude()
	return e.result, nil
}

// untilReady returns the context in which something is executed that has a time
// to get ready in and goes on then: it ends with that time.
func (e *execution) untilReady(ctx context.Context) (context.Context, func()) {
	c := e.command
	if e.ready == nil || c.Stop || c.Timeout == 0 {
		return ctx, func() {}
	}
	within, cancel := context.WithCancel(ctx)
	e.within, c.Timeout = c.Timeout, 0
	var late atomic.Bool
	timer := time.AfterFunc(e.within, func() {
		if !e.ready.is() {
			late.Store(true)
			cancel()
		}
	})
	return within, func() {
		timer.Stop()
		cancel()
		e.timedOut = e.timedOut || late.Load()
	}
}

// CPU returns the processor time of all that was run so far, whatever for: what
// of a machine's load is this Runner's doing.
func (r *Runner) CPU() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cpu
}

// execution is one execution of a command.
type execution struct {
	command *Command
	path    string
	output  *output
	ready   *watch // nil: it is not waited for
	start   int64  // on the clock of now
	began   int64  // since 1970, in nanoseconds

	within   time.Duration // what untilReady keeps to; 0: it does not
	result   Result
	timedOut bool
	stopped  bool // it was asked to, because it was ready
}

// conclude says what the end of an execution means.
func (e *execution) conclude() {
	r := &e.result
	if e.ready != nil {
		r.Startup = e.ready.since(e)
	}
	r.Late = e.timedOut
	timeout := max(e.command.Timeout, e.within)
	ending := first(r.Failure, "it ended by itself")
	switch {
	case e.timedOut && e.ready != nil && r.Startup == 0:
		r.Failure = fmt.Sprintf("timed out after %v: it was not ready%s", timeout, e.ready.lastTry())
	case e.timedOut:
		r.Failure = fmt.Sprintf("timed out after %v", timeout)
	case e.ready != nil && r.Startup == 0:
		r.Failure = "it was not ready when it ended (" + ending + ")"
	case e.stopped:
		r.Stopped, r.Failure = true, ""
	}
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
