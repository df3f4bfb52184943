package measure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pacer-perf/pacer/internal/measure/helper"
)

// Runner runs commands, one after the other, through a helper process.
type Runner struct {
	mu       sync.Mutex
	ctx      context.Context
	helper   *exec.Cmd
	conn     *net.UnixConn
	messages chan message // from the helper; closed when it is gone
	stderr   tail
	null     *os.File
	found    program
	cpu      time.Duration // of all commands so far
}

type message struct {
	kind    byte
	content []byte
}

// Open starts the helper: this program, executed anew. Close ends it.
//
// What commands leave behind stays when the Runner is closed; it does not when
// the context had ended before.
func Open(ctx context.Context) (*Runner, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "helper"), os.NewFile(uintptr(pair[1]), "helper")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		conn.Close()
		return nil, err
	}
	r := &Runner{ctx: ctx, conn: conn.(*net.UnixConn), messages: make(chan message, 1), null: null}
	r.helper = exec.Command(self)
	r.helper.Args[0] = "pacer-helper"
	r.helper.Env = append(os.Environ(), helper.Variable+"=1")
	r.helper.ExtraFiles = []*os.File{theirs} // is helper.Socket there
	r.helper.Stderr = &r.stderr
	// A group of its own: Ctrl-C is for this process, which decides.
	r.helper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.helper.Start(); err != nil {
		conn.Close()
		null.Close()
		return nil, err
	}
	go r.listen()
	// The time that a first command may take begins when it can be started.
	if !r.killAll() {
		err := r.gone()
		r.Close()
		return nil, err
	}
	return r, nil
}

// listen takes the helper's messages.
func (r *Runner) listen() {
	defer close(r.messages)
	head := make([]byte, helper.HeadSize)
	for {
		if _, err := io.ReadFull(r.conn, head); err != nil {
			return
		}
		kind, size := helper.Head(head)
		content := make([]byte, size)
		if _, err := io.ReadFull(r.conn, content); err != nil {
			return
		}
		r.messages <- message{kind, content}
	}
}

// Close ends the helper.
func (r *Runner) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.helper == nil {
		return nil
	}
	if r.ctx.Err() != nil {
		r.killAll()
	}
	r.say(helper.Bye, nil)
	r.conn.Close()
	for range r.messages {
	}
	r.null.Close()
	err := r.helper.Wait()
	r.helper = nil
	return err
}

// say sends the helper a message. That it is gone, listen knows.
func (r *Runner) say(kind byte, content []byte) { r.conn.Write(helper.Message(kind, content)) }

// killAll ends whatever runs, and what was left behind. It returns false if the
// helper is gone.
func (r *Runner) killAll() bool {
	r.say(helper.Kill, nil)
	for m := range r.messages {
		if m.kind == helper.Killed {
			return true
		}
	}
	return false
}

// gone says why the helper is.
func (r *Runner) gone() error {
	err := errors.New("the helper process ended")
	if why := r.stderr.lines(); why != "" {
		err = fmt.Errorf("%w: %s", err, why)
	}
	return err
}

// execute runs a command to its end.
func (r *Runner) execute(ctx context.Context, e *execution) error {
	if r.helper == nil {
		return errors.New("the runner is closed")
	}
	c := e.command
	stdin := c.Stdin
	if stdin == nil {
		stdin = r.null
	}
	out := int(e.output.write.Fd())
	request := helper.Request{Path: e.path, Dir: c.Dir, Argv: c.Args, Env: c.environ()}
	m := helper.Message(helper.Run, request.Encode())
	n, _, err := r.conn.WriteMsgUnix(m, syscall.UnixRights(int(stdin.Fd()), out, out), nil)
	if err == nil && n < len(m) {
		_, err = r.conn.Write(m[n:])
	}
	e.output.handed()
	if err != nil {
		return r.gone()
	}
	s := e.stopper(ctx)
	for {
		select {
		case m, ok := <-r.messages:
			switch {
			case !ok:
				return r.gone()
			case m.kind == helper.Failed:
				if ctx.Err() != nil {
					r.killAll()
				}
				return errors.New(string(m.content))
			case m.kind != helper.Ended:
				continue // the answer to Kill
			}
			if ctx.Err() != nil || e.timedOut || e.result.Killed {
				r.killAll() // whatever did not stop, and left the group
			}
			report, err := helper.DecodeReport(m.content)
			e.take(&report)
			return err
		case <-s.cancel:
			r.say(helper.Signal, []byte{byte(syscall.SIGINT)})
			s.begin(cmp.Or(c.quit, c.Grace))
		case <-s.timeout:
			e.timedOut = true
			r.say(helper.Signal, []byte{byte(syscall.SIGTERM)})
			s.begin(c.Grace)
		case <-s.ready:
			s.ready = nil
			if c.Stop {
				e.stopped = true
				r.say(helper.Signal, []byte{byte(syscall.SIGTERM)})
				s.begin(c.Grace)
			}
		case <-s.grace:
			e.result.Killed = true
			r.say(helper.Kill, nil)
		}
	}
}

// take takes on a report.
func (e *execution) take(p *helper.Report) {
	e.start, e.began = p.Start, p.Began
	r := &e.result
	r.Wall, r.CPU = time.Duration(p.Wall), time.Duration(p.CPU)
	r.PeakMemory, r.Floor = p.PeakMemory, p.Floor
	r.MinorFaults, r.MajorFaults = p.MinorFaults, p.MajorFaults
	r.VoluntarySwitches, r.Preemptions = p.VoluntarySwitches, p.Preempted
	r.Instructions, r.Cycles = p.Instructions, p.Cycles
	r.Left = int(p.Left)
	switch {
	case p.Signal != 0:
		r.Failure = "signal: " + syscall.Signal(p.Signal).String()
	case p.Status != 0:
		r.Failure = fmt.Sprintf("exit status %d", p.Status)
	}
}

// now is a clock that the helper has as well.
func now() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}
