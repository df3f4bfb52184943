package measure

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runnerReads tells that the runner itself reads what commands print, while it
// waits for their end: a goroutine would be woken up on another processor,
// which the command may need.
const runnerReads = true

// pipe is os.Pipe, without having Go's poller watch it.
func pipe() (read, write *os.File, err error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(p[0]), "output"), os.NewFile(uintptr(p[1]), "output"), nil
}

// pollable returns a file that a goroutine can wait for without a thread of
// its own.
func pollable(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return f
	}
	f.Close()
	syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "output")
}

// rest reads what is left until the end, true, or for so long.
func (o *output) rest(wait time.Duration) bool {
	poll := []unix.PollFd{{Fd: int32(o.read.Fd()), Events: unix.POLLIN}}
	for deadline := time.Now().Add(wait); ; {
		n, err := unix.Poll(poll, milliseconds(time.Until(deadline)))
		switch {
		case err == nil && n > 0 && !o.take():
			return true
		case err != nil && err != unix.EINTR, time.Now().After(deadline):
			return false
		}
	}
}

// milliseconds is a time to wait as poll takes it.
func milliseconds(d time.Duration) int {
	return int(max(0, min(d+time.Millisecond-1, time.Hour)/time.Millisecond))
}
