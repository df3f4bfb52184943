package helper

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	if os.Getenv(Variable) == "" {
		return
	}
	os.Unsetenv(Variable)
	syscall.CloseOnExec(Socket)
	serve()
	os.Exit(0)
}

// server is the helper's state. One thread does everything: each switch to
// another would cost the runner more than all the rest.
type server struct {
	known    map[int]bool // processes that earlier commands left behind
	counters counters
	pid      string
	self     int
	memory   *memory
	family   family
	asked    [remembered]asked
	next     int // place in asked
	head     [HeadSize]byte
	content  []byte
}

// serve runs commands until the parent goes away. Nothing is left behind then
// that the parent did not want left.
func serve() {
	// Whoever ends the parent's group or session ends the parent: this process
	// cleans up afterwards.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	// What a command leaves behind becomes a child of this process.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	runtime.LockOSThread() // commands get their death signal when this thread ends
	s := &server{known: make(map[int]bool), self: os.Getpid(), pid: strconv.Itoa(os.Getpid())}
	os.Unsetenv("PACER_START")
	os.Unsetenv("PACER_LAUNCHER")
	s.memory = newMemory()
	for {
		if content, files := s.hear(0); content != nil {
			report, err := s.run(content, files)
			if err != nil {
				s.say(Failed, []byte(err.Error()))
			} else {
				s.say(Ended, report.Encode())
			}
		}
	}
}

// say answers the parent. If that is gone, the next hear knows.
func (s *server) say(kind byte, content []byte) { syscall.Write(Socket, Message(kind, content)) }

// hear takes a message of the parent and does what it says while a command
// runs in a process group, or none does (0). It returns what a request for
// another command holds, until it is called again, and does not return if the
// parent is gone.
func (s *server) hear(group int) (request []byte, files []int) {
	files, ok := read(s.head[:])
	kind, size := Head(s.head[:])
	var content []byte
	if ok {
		s.content = slices.Grow(s.content[:0], size)
		content = s.content[:size]
		if size > 0 {
			_, ok = read(content)
		}
	}
	switch {
	case !ok: // the parent was killed
		s.killAll()
		os.Exit(0)
	case kind == Run:
		return content, files
	case kind == Signal && size == 1 && group != 0:
		syscall.Kill(-group, syscall.Signal(content[0]))
	case kind == Kill:
		s.killAll()
		s.say(Killed, nil)
	case kind == Bye:
		os.Exit(0)
	}
	return nil, nil
}

// read fills b from the socket and returns the files that came with it, and
// false at its end.
func read(b []byte) (files []int, ok bool) {
	control := make([]byte, syscall.CmsgSpace(4*3))
	for filled := 0; filled < len(b); {
		n, oobn, _, _, err := syscall.Recvmsg(Socket, b[filled:], control, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return files, false
		}
		filled += n
		if oobn > 0 {
			messages, _ := syscall.ParseSocketControlMessage(control[:oobn])
			for i := range messages {
				rights, _ := syscall.ParseUnixRights(&messages[i])
				files = append(files, rights...)
			}
		}
	}
	return files, true
}

// remembered is how many requests are: commands take turns.
const remembered = 4

// asked is a request as it came, and what it says.
type asked struct {
	content []byte
	request Request
}

// decode reads a request, mostly one that was there before.
func (s *server) decode(content []byte) (*Request, error) {
	for i := range s.asked {
		if bytes.Equal(content, s.asked[i].content) {
			return &s.asked[i].request, nil
		}
	}
	request, err := DecodeRequest(content)
	if err != nil {
		return nil, err
	}
	// Room for what is added to it: see run.
	request.Env = append(slices.Grow(request.Env, 2), "PACER_LAUNCHER="+s.pid)
	a := &s.asked[s.next]
	s.next = (s.next + 1) % remembered
	*a = asked{slices.Clone(content), request}
	return &a.request, nil
}

// run runs one command to its end.
func (s *server) run(content []byte, files []int) (Report, error) {
	// They stay open here until the command has ended: the reader of its output
	// would wake up at the very moment that is measured.
	defer func() {
		for _, fd := range files {
			syscall.Close(fd)
		}
	}()
	if len(files) != 3 {
		return Report{}, errRequest
	}
	request, err := s.decode(content)
	if err != nil {
		return Report{}, err
	}
	pidfd := -1
	attr := &syscall.ProcAttr{
		Dir:   request.Dir,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
		// Not a session of its own: making one costs as much as starting a
		// small program, where the kernel groups sessions to share processors.
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd},
	}
	counting := s.counters.open()
	defer counting.close()
	r := Report{Floor: s.memory.tidy()}

	began := time.Now()
	r.Began = began.UnixNano()
	attr.Env = append(request.Env, "PACER_START="+strconv.FormatInt(r.Began, 10))
	r.Start = monotonic()
	pid, err := syscall.ForkExec(request.Path, request.Argv, attr)
	if err != nil {
		return r, err
	}
	w := wait(pid, pidfd, &s.family)
	for !w.ended() {
		s.hear(pid)
	}
	if w.err != nil {
		return r, w.err
	}
	r.Wall = w.at - r.Start
	r.Status = int64(w.status.ExitStatus())
	if w.status.Signaled() {
		r.Signal = int64(w.status.Signal())
	}
	r.CPU = w.usage.Utime.Nano() + w.usage.Stime.Nano()
	r.PeakMemory = w.usage.Maxrss << 10
	r.MinorFaults, r.MajorFaults = w.usage.Minflt, w.usage.Majflt
	r.VoluntarySwitches, r.Preempted = w.usage.Nvcsw, w.usage.Nivcsw
	r.Instructions, r.Cycles = counting.read()
	r.Left = s.left()
	return r, nil
}

// waiting is the wait for a process to end.
type waiting struct {
	pid    int
	family *family
	poll   [2]unix.PollFd // the parent's socket, and what tells of the end
	at     int64          // when it ended
	status syscall.WaitStatus
	usage  syscall.Rusage
	err    error
	done   chan struct{} // without pidfd: closed when another thread has waited

	stopped bool // it wanted the terminal
}

// lookEvery is how often it is looked whether the command waits for the
// terminal, in milliseconds: nothing tells of that.
const lookEvery = 250

var errTerminal = errors.New("it wants to use the terminal, which it does not have here")

// look ends a command that was stopped because it is not in the terminal's
// foreground: it would wait for ever.
func (w *waiting) look() {
	if w.done != nil || w.family.state(w.pid) != 'T' {
		return
	}
	// The signal is told to who waits for it.
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(w.pid, &status, syscall.WUNTRACED|syscall.WNOHANG, nil); err == nil && pid == w.pid && status.Stopped() {
		if at := status.StopSignal(); at == syscall.SIGTTIN || at == syscall.SIGTTOU {
			w.stopped = true
			syscall.Kill(-w.pid, syscall.SIGKILL)
		}
	}
}

// wait begins to wait. Kernels before 5.3 have no file descriptor for a
// process: there another thread waits and writes into a pipe.
func wait(pid, pidfd int, f *family) *waiting {
	w := &waiting{pid: pid, family: f}
	if pidfd < 0 {
		var p [2]int
		if w.err = syscall.Pipe2(p[:], syscall.O_CLOEXEC); w.err != nil {
			return w
		}
		w.done = make(chan struct{})
		pidfd = p[0]
		go func() {
			w.reap()
			close(w.done)
			syscall.Close(p[1])
		}()
	}
	w.poll = [2]unix.PollFd{{Fd: Socket, Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
	return w
}

// ended waits until the process has ended, true, or the parent says something.
func (w *waiting) ended() bool {
	if w.err != nil {
		return true
	}
	for {
		n, err := unix.Poll(w.poll[:], lookEvery)
		switch {
		case err == unix.EINTR:
			continue
		case err == nil && n == 0:
			w.look()
			continue
		case err != nil:
			w.err = err
			return true
		case w.poll[1].Revents == 0:
			return false
		case w.done == nil:
			w.reap()
		default:
			<-w.done
		}
		syscall.Close(int(w.poll[1].Fd))
		return true
	}
}

// reap takes the process's figures.
func (w *waiting) reap() {
	for {
		_, w.err = syscall.Wait4(w.pid, &w.status, 0, &w.usage)
		if w.err != syscall.EINTR {
			break
		}
	}
	w.at = monotonic()
	if w.stopped {
		w.err = errTerminal
	}
}

func monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}
