//go:build !linux

package measure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Runner runs commands, one after the other.
type Runner struct {
	mu    sync.Mutex
	found map[program]string
	cpu   time.Duration // of all commands so far
	now   chan struct{} // kill was called
}

// Open returns a Runner.
func Open(context.Context) (*Runner, error) { return &Runner{now: make(chan struct{}, 1)}, nil }

// kill ends what runs, without waiting for it.
func (r *Runner) kill() {
	select {
	case r.now <- struct{}{}:
	default:
	}
}

// Close ends it.
func (r *Runner) Close() error { return nil }

// execute runs a command to its end, as a child of this process.
func (r *Runner) execute(ctx context.Context, e *execution) error {
	c := e.command
	cmd := exec.Command(e.path, c.Args[1:]...)
	cmd.Args[0] = c.Args[0]
	cmd.Dir = c.Dir
	cmd.Stdout, cmd.Stderr = e.output.write, e.output.write
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	cmd.Env = append(c.environ(), fmt.Sprintf("PACER_LAUNCHER=%d", os.Getpid()), "")
	began := time.Now()
	e.start, e.began = now(), began.UnixNano()
	cmd.Env[len(cmd.Env)-1] = fmt.Sprintf("PACER_START=%d", e.began)
	g, err := startGroup(cmd)
	if err != nil {
		return err
	}
	defer g.close()
	e.output.handed()
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		e.result.Wall = time.Duration(now() - e.start)
		done <- err
	}()
	s := e.stopper(ctx)
	for {
		select {
		case err := <-done:
			if ctx.Err() != nil || e.timedOut || e.result.Killed {
				g.kill() // whatever did not stop
			}
			var exit *exec.ExitError
			switch {
			case errors.As(err, &exit):
				e.result.Failure = exit.Error()
			case err != nil:
				return err
			}
			e.result.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			e.result.MinorFaults, e.result.MajorFaults = -1, -1
			e.result.VoluntarySwitches, e.result.Preemptions = -1, -1
			e.result.Instructions, e.result.Cycles = -1, -1
			usage(cmd.ProcessState, &e.result)
			g.account(&e.result)
			return nil
		case <-s.cancel:
			g.interrupt()
			s.begin(cmp.Or(c.quit, c.Grace))
		case <-s.timeout:
			e.timedOut = true
			g.terminate()
			s.begin(c.Grace)
		case <-s.ready:
			s.ready = nil
			if c.Stop {
				e.stopped = true
				g.terminate()
				s.begin(c.Grace)
			}
		case <-s.grace:
			e.result.Killed = true
			g.kill()
		case <-r.now:
			g.kill()
		}
	}
}

// stopper asks an execution to stop when its time or the context ends, or when
// it is ready; and, if it does not, has it killed.
type stopper struct {
	*execution
	cancel  <-chan struct{}
	ready   <-chan struct{}
	timeout <-chan time.Time
	grace   <-chan time.Time
}

func (e *execution) stopper(ctx context.Context) *stopper {
	s := &stopper{execution: e, cancel: ctx.Done()}
	if e.command.Timeout > 0 {
		s.timeout = time.After(e.command.Timeout)
	}
	if e.ready != nil {
		s.ready = e.ready.done
	}
	return s
}

// begin starts the time of grace.
func (s *stopper) begin(grace time.Duration) {
	s.cancel, s.ready, s.timeout = nil, nil, nil
	s.grace = time.After(grace)
}

var epoch = time.Now()

// now is a clock that only goes forward, in nanoseconds.
func now() int64 { return int64(time.Since(epoch)) + 1 }
