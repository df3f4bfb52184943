// Package measure runs commands and measures them from outside: wall time, CPU
// time, peak memory.
//
// A command is started without a shell, in a process group of its own, with no
// standard input. When the context ends, the group is asked to stop, and
// killed if it does not.
package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Command is what to run.
type Command struct {
	Args   []string  // the program, which is looked up in PATH, and its arguments
	Env    []string  // added to the environment; PACER_START is set by Run
	Output io.Writer // takes standard output and error; nil: only the last of it is kept
}

// Result is what one execution took.
type Result struct {
	Wall time.Duration
	// CPU is user and system time together, of the command and of those
	// descendants that were waited for.
	CPU time.Duration
	// PeakMemory is the peak resident memory of the largest single process
	// among the same, in bytes; 0 where the system does not tell. A command
	// that uses less than Floor shows as that or a little more.
	PeakMemory, Floor int64

	Failure string // empty if it succeeded: "exit status 3", "signal: killed"
	Tail    string // the last lines of its output
	// Left tells that a process which the command started outlives it, and
	// keeps its output open.
	Left bool
}

// grace is how long a command that was asked to stop may take.
const grace = 2 * time.Second

// Run runs a command to its end. A command that fails is no error: see
// Result.Failure. The error is about starting or watching it, or the
// context's.
func Run(ctx context.Context, c Command) (Result, error) {
	if len(c.Args) == 0 {
		return Result{}, errors.New("no command to run")
	}
	path, err := exec.LookPath(c.Args[0])
	if err != nil {
		return Result{}, err
	}
	tail := &tailWriter{out: c.Output}
	out, err := newDrain(tail)
	if err != nil {
		return Result{}, err
	}
	result, err := execute(ctx, path, c, out)
	result.Left = !out.finish()
	result.Tail = tail.lines()
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		return result, fmt.Errorf("running %s: %w", c.Args[0], err)
	}
	return result, nil
}

// drain reads what a command prints, for as long as anybody has its output
// open: a process that it leaves behind must not be stopped by a pipe without
// a reader.
type drain struct {
	write *os.File
	done  chan struct{}
}

func newDrain(to io.Writer) (*drain, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &drain{write: write, done: make(chan struct{})}
	go func() {
		io.Copy(to, read)
		read.Close()
		close(d.done)
	}()
	return d, nil
}

// finish is called when the command has ended. It returns false if somebody
// else still has the output open.
func (d *drain) finish() bool {
	d.write.Close()
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-d.done:
		return true
	case <-patience.C:
		return false
	}
}

// tailWriter passes on what a command prints and keeps the last of it.
type tailWriter struct {
	out io.Writer

	mu   sync.Mutex
	last []byte
}

const tailSize = 4 << 10

func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.last = append(t.last, p...)
	if len(t.last) > 2*tailSize {
		t.last = append(t.last[:0], t.last[len(t.last)-tailSize:]...)
	}
	t.mu.Unlock()
	if t.out != nil {
		// A reader that went away must not stop the command.
		t.out.Write(p)
	}
	return len(p), nil
}

// lines returns the last ten lines at most.
func (t *tailWriter) lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimRight(strings.ToValidUTF8(string(t.last), "?"), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
