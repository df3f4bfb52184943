package measure

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pacer-perf/pacer/internal/measure/helper"
)

// Runner runs commands, one after the other, through a helper process.
//
// One thread does everything, and waits with poll for whatever comes first:
// goroutines that wake each other up on several processors would cost more
// than all the rest, and disturb the command.
type Runner struct {
	mu     sync.Mutex
	ctx    context.Context
	helper *exec.Cmd
	socket *os.File // to the helper
	wake   *os.File // an eventfd: there is something to look at
	inbox  []byte   // from the helper
	stderr tail
	lost   error // it ended by itself
	null   *os.File
	found  map[program]string
	sent   []*sent
	cpu    time.Duration // of all commands so far
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
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socketpair: %w", err)
	}
	r := &Runner{ctx: ctx, socket: os.NewFile(uintptr(pair[0]), "helper")}
	theirs := os.NewFile(uintptr(pair[1]), "helper")
	defer theirs.Close()
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		r.socket.Close()
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	r.wake = os.NewFile(uintptr(wake), "eventfd")
	if r.null, err = os.Open(os.DevNull); err == nil {
		r.helper = exec.Command(self)
		r.helper.Args[0] = "pacer-helper"
		r.helper.Env = append(os.Environ(), helper.Variable+"=1")
		r.helper.ExtraFiles = []*os.File{theirs} // is helper.Socket there
		r.helper.Stderr = &r.stderr
		// A group of its own: Ctrl-C is for this process, which decides.
		r.helper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		err = r.helper.Start()
	}
	if err != nil {
		r.closeFiles()
		return nil, err
	}
	theirs.Close() // or its end would not be seen here
	// The time that a first command may take begins when it can be started.
	if !r.killAll() {
		err := r.gone()
		r.Close()
		return nil, err
	}
	return r, nil
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
	r.closeFiles()
	err := r.lost
	if err == nil {
		err = r.helper.Wait()
	}
	r.helper = nil
	return err
}

func (r *Runner) closeFiles() {
	for _, f := range []*os.File{r.socket, r.wake, r.null} {
		f.Close()
	}
}

// say sends the helper a message. That it is gone, hear knows.
func (r *Runner) say(kind byte, content []byte) { r.socket.Write(helper.Message(kind, content)) }

// hear waits for the helper's next message, and returns false if it is gone.
func (r *Runner) hear() (kind byte, content []byte, ok bool) {
	for {
		if size := r.pending(); size > 0 {
			kind, _ = helper.Head(r.inbox)
			content = r.inbox[helper.HeadSize:size:size]
			r.inbox = r.inbox[size:]
			return kind, content, true
		}
		var part [1 << 10]byte
		n, err := r.socket.Read(part[:])
		if err != nil {
			return 0, nil, false
		}
		r.inbox = append(r.inbox, part[:n]...)
	}
}

// pending returns the size of the first message that has come, 0 if none has.
func (r *Runner) pending() int {
	if len(r.inbox) < helper.HeadSize {
		return 0
	}
	_, content := helper.Head(r.inbox)
	if size := helper.HeadSize + content; size <= len(r.inbox) {
		return size
	}
	return 0
}

// killAll ends whatever runs, and what was left behind. It returns false if the
// helper is gone.
func (r *Runner) killAll() bool {
	r.say(helper.Kill, nil)
	for {
		if kind, _, ok := r.hear(); !ok || kind == helper.Killed {
			return ok
		}
	}
}

// kill ends what runs, without waiting for it: execute hears that it ended, and
// takes no notice of the helper's answer.
func (r *Runner) kill() { r.say(helper.Kill, nil) }

// gone sees to what a helper that ended by itself has left running, and says why
// it is gone.
func (r *Runner) gone() error {
	if r.lost == nil {
		r.lost = errors.New("the helper process ended")
		if err := r.helper.Wait(); err != nil {
			r.lost = fmt.Errorf("%w: %w", r.lost, err)
		}
		if why := r.stderr.lines(); why != "" {
			r.lost = fmt.Errorf("%w: %s", r.lost, why)
		}
		// Its own children ended with it; theirs did not.
		mark := []byte(fmt.Sprintf("\x00PACER_LAUNCHER=%d\x00", r.helper.Process.Pid))
		for deadline := time.Now().Add(5 * time.Second); killMarked(mark) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	return r.lost
}

// killMarked kills the processes that have a variable in their environment, and
// returns false if there are none.
func killMarked(mark []byte) (any bool) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		text, err := os.ReadFile(file) // of other users' it fails
		if err != nil || !bytes.Contains(append([]byte{0}, text...), mark) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(file, "/")[2]); err == nil && pid != os.Getpid() {
			syscall.Kill(pid, syscall.SIGKILL)
			any = true
		}
	}
	return any
}

// start has the helper start a command.
func (r *Runner) start(e *execution) error {
	c := e.command
	stdin := c.Stdin
	if stdin == nil {
		stdin = r.null
	}
	out := int(e.output.write.Fd())
	m := r.request(e)
	n, err := unix.SendmsgN(int(r.socket.Fd()), m, unix.UnixRights(int(stdin.Fd()), out, out), nil, unix.MSG_NOSIGNAL)
	for err == unix.EINTR {
		n, err = unix.SendmsgN(int(r.socket.Fd()), m, unix.UnixRights(int(stdin.Fd()), out, out), nil, unix.MSG_NOSIGNAL)
	}
	if err == nil && n < len(m) {
		_, err = r.socket.Write(m[n:])
	}
	e.output.handed()
	if err != nil {
		return r.gone()
	}
	return nil
}

// sent is a request as it went to the helper, and what it was made of.
type sent struct {
	path, dir            string
	args, env, inherited []string
	message              []byte
}

// remembered is how many requests are: commands take turns.
const remembered = 4

// request returns the message that asks for an execution: mostly one that was
// sent before.
func (r *Runner) request(e *execution) []byte {
	c := e.command
	inherited := os.Environ()
	relative := c.Dir != "" && !filepath.IsAbs(c.Dir) // to where this process is
	same := func(s *sent) bool {
		return s.path == e.path && s.dir == c.Dir && slices.Equal(s.args, c.Args) && slices.Equal(s.env, c.Env) && slices.Equal(s.inherited, inherited)
	}
	if i := slices.IndexFunc(r.sent, same); i >= 0 && !relative {
		return r.sent[i].message
	}
	request := helper.Request{Path: e.path, Dir: c.Dir, Argv: c.Args, Env: c.environ()}
	s := &sent{e.path, c.Dir, slices.Clone(c.Args), slices.Clone(c.Env), inherited, helper.Message(helper.Run, request.Encode())}
	r.sent = append([]*sent{s}, r.sent[:min(len(r.sent), remembered-1)]...)
	return s.message
}

// execute runs a command to its end.
func (r *Runner) execute(ctx context.Context, e *execution) error {
	if r.helper == nil {
		return errors.New("the runner is closed")
	}
	if err := r.start(e); err != nil {
		return err
	}
	defer r.wakeFor(ctx, e)()
	s := stopping{runner: r, execution: e}
	if e.command.Timeout > 0 {
		s.deadline = time.Now().Add(e.command.Timeout)
	}
	for {
		heard, err := r.wait(e.output, s.deadline)
		if err != nil {
			r.killAll()
			for kind := byte(helper.Killed); kind == helper.Killed; { // its end is told as well
				var ok bool
				if kind, _, ok = r.hear(); !ok {
					return r.gone()
				}
			}
			return err
		}
		if !heard {
			s.look(ctx)
			continue
		}
		kind, content, ok := r.hear()
		switch {
		case !ok:
			return r.gone()
		case kind == helper.Failed:
			if ctx.Err() != nil {
				r.killAll()
			}
			return errors.New(string(content))
		case kind != helper.Ended:
			continue // the answer to Kill
		}
		if ctx.Err() != nil || e.timedOut || e.result.Killed {
			r.killAll() // whatever did not stop, and left the group
		}
		report, err := helper.DecodeReport(content)
		e.take(&report)
		return err
	}
}

// wakeFor has wait return when the context ends, or when the command is ready,
// until the function that it returns is called.
func (r *Runner) wakeFor(ctx context.Context, e *execution) (stop func()) {
	wake := func() { r.wake.Write(binary.NativeEndian.AppendUint64(nil, 1)) }
	ended := context.AfterFunc(ctx, wake)
	if e.ready == nil {
		return func() { ended() }
	}
	over := make(chan struct{})
	go func() {
		select {
		case <-e.ready.done:
			wake()
		case <-over:
		}
	}()
	return func() { ended(); close(over) }
}

// wait waits until the helper says something, true, or there may be another
// thing to look at, or the deadline, if there is one. It reads what the command
// prints meanwhile.
func (r *Runner) wait(o *output, deadline time.Time) (heard bool, err error) {
	if r.pending() > 0 {
		return true, nil
	}
	poll := [3]unix.PollFd{{Fd: int32(r.socket.Fd()), Events: unix.POLLIN}, {Fd: int32(r.wake.Fd()), Events: unix.POLLIN}, {Fd: -1}}
	if o.read != nil && !o.followed && !o.ended() {
		poll[2] = unix.PollFd{Fd: int32(o.read.Fd()), Events: unix.POLLIN}
	}
	timeout := -1
	if !deadline.IsZero() {
		timeout = milliseconds(time.Until(deadline))
	}
	_, err = unix.Poll(poll[:], timeout)
	switch {
	case err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("poll: %w", err)
	}
	if poll[2].Revents != 0 {
		o.take()
	}
	if poll[1].Revents != 0 {
		var count [8]byte
		r.wake.Read(count[:])
	}
	return poll[0].Revents != 0, nil
}

// stopping asks an execution to stop when its time or the context ends, or when
// it is ready; and, if it does not, has it killed.
type stopping struct {
	*execution
	runner   *Runner
	deadline time.Time // of the next step; zero: there is none
	begun    bool
	ready    bool
}

// look does what there is to be done by now.
func (s *stopping) look(ctx context.Context) {
	late := !s.deadline.IsZero() && !time.Now().Before(s.deadline)
	c := s.command
	switch {
	case s.begun && late:
		s.result.Killed, s.deadline = true, time.Time{}
		s.runner.say(helper.Kill, nil)
	case s.begun:
	case ctx.Err() != nil:
		s.begin(syscall.SIGINT, cmp.Or(c.quit, c.Grace))
	case late:
		s.timedOut = true
		s.begin(syscall.SIGTERM, c.Grace)
	case !s.ready && s.execution.ready != nil && s.execution.ready.is():
		s.ready = true
		if c.Stop {
			s.stopped = true
			s.begin(syscall.SIGTERM, c.Grace)
		}
	}
}

// begin sends a signal and starts the time of grace.
func (s *stopping) begin(signal syscall.Signal, grace time.Duration) {
	s.runner.say(helper.Signal, []byte{byte(signal)})
	s.begun, s.deadline = true, time.Now().Add(grace)
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
