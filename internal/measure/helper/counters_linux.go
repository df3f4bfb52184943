package helper

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counters are the processor's own, which the kernel may not have or not give:
// asked once, then left alone.
type counters struct{ without bool }

// counting are the counters of one execution.
type counting struct{ instructions, cycles int }

// open makes counters that begin when the next child executes its program. They
// are the thread's own, and each child inherits them: this thread must be the
// one that forks.
func (c *counters) open() counting {
	none := counting{-1, -1}
	if c.without {
		return none
	}
	instructions, err := openCounter(unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS)
	if err != nil {
		c.without = true
		return none
	}
	cycles, err := openCounter(unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES)
	if err != nil {
		cycles = -1
	}
	return counting{instructions, cycles}
}

func openCounter(kind uint32, config uint64) (int, error) {
	attr := unix.PerfEventAttr{
		Type: kind, Config: config, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Read_format: unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING,
		// What the kernel does on behalf of a process varies, and is not for
		// everybody to see.
		Bits: unix.PerfBitDisabled | unix.PerfBitInherit | unix.PerfBitEnableOnExec | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	return unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// NoCounters says why there are no hardware counters here, "" if there are.
func NoCounters() string {
	fd, err := openCounter(unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS)
	switch err {
	case nil:
		unix.Close(fd)
		return ""
	case unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV:
		return "the machine has none (many virtual machines have not)"
	case unix.EACCES, unix.EPERM:
		return "the kernel does not give them (kernel.perf_event_paranoid, or a container's seccomp profile)"
	case unix.ENOSYS:
		return "the kernel was built without them"
	}
	return "perf_event_open: " + err.Error()
}

// read returns what was counted, -1 where nothing was.
func (c counting) read() (instructions, cycles int64) {
	return readCounter(c.instructions), readCounter(c.cycles)
}

func readCounter(fd int) int64 {
	var b [24]byte // value, time enabled, time running
	if fd < 0 {
		return -1
	}
	if n, err := unix.Read(fd, b[:]); n != len(b) || err != nil {
		return -1
	}
	value, enabled, running := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	switch {
	case running == 0:
		return -1
	case running < enabled: // it shared the hardware with other counters
		return int64(float64(value) * float64(enabled) / float64(running))
	}
	return int64(value)
}

func (c counting) close() {
	for _, fd := range []int{c.instructions, c.cycles} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
