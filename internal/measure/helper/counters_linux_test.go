package helper

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A counter counts what a child does from its first instruction on, and
// nothing else. Page faults stand in for what only hardware counts.
func TestCounter(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := openCounter(unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_PAGE_FAULTS)
	switch err {
	case nil:
	case unix.EACCES, unix.EPERM, unix.ENOSYS:
		t.Logf("the kernel gives no counters at all: %v", err)
		if NoCounters() == "" {
			t.Error("and yet there are hardware counters")
		}
		return
	default:
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if n := readCounter(fd); n > 0 {
		t.Errorf("%d page faults before the child", n)
	}
	pid, err := syscall.ForkExec(program, []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	var usage syscall.Rusage
	if _, err := syscall.Wait4(pid, nil, 0, &usage); err != nil {
		t.Fatal(err)
	}
	n := readCounter(fd)
	if n < 1 || n > usage.Minflt+usage.Majflt {
		t.Errorf("counted %d page faults in user mode of %d", n, usage.Minflt)
	}
}

// The hardware's counters are there, or why they are not is known.
func TestHardwareCounters(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var c counters
	counting := c.open()
	defer counting.close()
	if why := NoCounters(); (why == "") == c.without {
		t.Errorf("without counters: %v, because %q", c.without, why)
	}
}
