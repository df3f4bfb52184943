package helper

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
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
	floor    int64 // the least peak memory that can be told, after the last shrink
	statm    int   // file descriptor of what the kernel says of this process's memory
	runs     int   // since the last shrink
	heard    int   // bytes of new requests since then
	asked    []byte
	request  Request // that asked is
	program  []mapping
	head     [HeadSize]byte
	content  []byte
}

// serve runs commands until the parent goes away. Nothing is left behind then
// that the parent did not want left.
func serve() {
	// Garbage is collected by shrink, and never while a command runs.
	debug.SetGCPercent(-1)
	// Whoever ends the parent's group or session ends the parent: this process
	// cleans up afterwards.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	// What a command leaves behind becomes a child of this process.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	runtime.LockOSThread() // commands get their death signal when this thread ends
	s := &server{known: make(map[int]bool), pid: strconv.Itoa(os.Getpid())}
	os.Unsetenv("PACER_START")
	os.Unsetenv("PACER_LAUNCHER")
	s.statm, _ = syscall.Open("/proc/self/statm", syscall.O_RDONLY|syscall.O_CLOEXEC, 0) // -1 cannot be read
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

// The helper shrinks after so many runs, or bytes of requests: it costs more than
// a run, and what the heap grows by meanwhile every command seems to use.
const (
	shrinkRuns  = 100
	shrinkHeard = 256 << 10
)

// shrink gives back the pages of the program that its start needed, some eight
// megabytes, and has the kernel forget that they were there: without it every
// command would seem to use as much. If any of this fails, the least that can
// be told of memory is more.
func (s *server) shrink() {
	debug.FreeOSMemory()
	if s.program == nil {
		s.program = mapped()
	}
	for _, m := range s.program {
		syscall.Syscall(syscall.SYS_MADVISE, m.from, m.size, syscall.MADV_DONTNEED)
	}
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// mapping is a stretch of memory.
type mapping struct{ from, size uintptr }

// mapped returns what is mapped of the program's file and was never written to:
// those pages come back from the file when they are needed. What the loader
// relocated is not in the file.
func mapped() []mapping {
	list := []mapping{}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return list
	}
	var m mapping // that the lines are about; zero: not one to give back
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 6 && !strings.HasSuffix(fields[0], ":"): // range, permissions, offset, device, inode, file
			m = mapping{}
			if fields[1][1] == 'w' || !strings.HasPrefix(fields[5], "/") {
				continue
			}
			lo, hi, _ := strings.Cut(fields[0], "-")
			start, errStart := strconv.ParseUint(lo, 16, 64)
			end, errEnd := strconv.ParseUint(hi, 16, 64)
			if errStart == nil && errEnd == nil {
				m = mapping{uintptr(start), uintptr(end - start)}
			}
		case len(fields) >= 2 && fields[0] == "Anonymous:" && m.size > 0:
			if fields[1] == "0" {
				list = append(list, m)
			}
			m = mapping{}
		case len(fields) == 5: // a mapping without a file
			m = mapping{}
		}
	}
	return list
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

// decode reads a request, mostly the same again.
func (s *server) decode(content []byte) error {
	if bytes.Equal(content, s.asked) {
		return nil
	}
	request, err := DecodeRequest(content)
	if err != nil {
		return err
	}
	// Room for what is added to it: see run.
	request.Env = append(slices.Grow(request.Env, 2), "PACER_LAUNCHER="+s.pid)
	s.request, s.asked = request, slices.Clone(content)
	return nil
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
	if err := s.decode(content); err != nil {
		return Report{}, err
	}
	request := &s.request
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
	s.runs++
	s.heard += len(content) // and what the fork makes of it
	if s.floor == 0 || s.runs > shrinkRuns || s.heard > shrinkHeard {
		s.shrink()
		s.floor, s.runs, s.heard = peakMemory(), 0, 0
	}
	r := Report{Floor: s.floor}

	began := time.Now()
	r.Began = began.UnixNano()
	attr.Env = append(request.Env, "PACER_START="+strconv.FormatInt(r.Began, 10))
	r.Start = monotonic()
	pid, err := syscall.ForkExec(request.Path, request.Argv, attr)
	if err != nil {
		return r, err
	}
	w := wait(pid, pidfd)
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
	if r.PeakMemory < 2*s.floor {
		r.Floor = max(s.floor, s.resident())
	}
	r.MinorFaults, r.MajorFaults = w.usage.Minflt, w.usage.Majflt
	r.VoluntarySwitches, r.Preempted = w.usage.Nvcsw, w.usage.Nivcsw
	r.Instructions, r.Cycles = counting.read()
	r.Left = s.left()
	return r, nil
}

// waiting is the wait for a process to end.
type waiting struct {
	pid    int
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
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(w.pid) + "/stat")
	_, after, _ := strings.Cut(string(stat), ") ")
	if !strings.HasPrefix(after, "T ") || w.done != nil {
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
func wait(pid, pidfd int) *waiting {
	w := &waiting{pid: pid}
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

// peakMemory returns the peak resident memory of this process in bytes, 0 if
// it cannot be read. getrusage would say less: it begins with the parent's.
func peakMemory() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.ParseInt(kib, 10, 64)
	return n << 10
}

// resident returns the resident memory of this process in bytes, which is its
// peak or about that: nothing is given back but by shrink.
func (s *server) resident() int64 {
	var line [128]byte
	n, err := syscall.Pread(s.statm, line[:], 0)
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(line[:n], []byte(" ")) // size, resident, ...
	pages := int64(0)
	for _, c := range after {
		if c < '0' || c > '9' {
			break
		}
		pages = pages*10 + int64(c-'0')
	}
	return pages * int64(os.Getpagesize())
}

// left returns how many processes the last command left behind.
func (s *server) left() int64 {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil: // no children
			clear(s.known)
			return 0
		case pid > 0: // a leftover ended
			delete(s.known, pid)
			continue
		}
		break
	}
	n := int64(0)
	for _, pid := range descendants(os.Getpid()) {
		if !s.known[pid] {
			s.known[pid] = true
			n++
		}
	}
	return n
}

// killAll ends the command and whatever it and those before it left behind:
// again and again, for as long as there is anything, because what is being
// killed may be starting more.
func (s *server) killAll() {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		list := descendants(os.Getpid())
		if len(list) == 0 {
			return
		}
		for _, pid := range list {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
}

// descendants returns the living children of a process, their children, and so
// on.
func descendants(of int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	parents := make(map[int][]int)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// The program's name stands in brackets and may hold brackets.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		parents[parent] = append(parents[parent], pid)
	}
	list := parents[of]
	for i := 0; i < len(list); i++ {
		list = append(list, parents[list[i]]...)
	}
	return list
}
