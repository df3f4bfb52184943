package pacer

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// startTick is the resolution of the start time in /proc/self/stat: USER_HZ is
// 100 on every architecture that Go runs on.
const startTick = 10 * time.Millisecond

func processAge() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	// The program's name stands in brackets and may hold spaces and brackets:
	// fields are counted behind the last one.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("/proc/self/stat has %d fields behind the name, expected 20 or more", len(fields))
	}
	ticks, err := strconv.ParseInt(string(fields[19]), 10, 64) // field 22, starttime
	if err != nil {
		return 0, fmt.Errorf("/proc/self/stat: starttime: %w", err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, fmt.Errorf("clock_gettime: %w", err)
	}
	return max(0, time.Duration(now.Nano())-time.Duration(ticks)*startTick), nil
}

// processMemory reads VmRSS and VmHWM. getrusage would say less: after a fork
// from a large parent its maximum is the parent's.
func processMemory() (memoryUse, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return memoryUse{}, err
	}
	var m memoryUse
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		var into *int64
		switch name {
		case "VmRSS":
			into = &m.current
		case "VmHWM":
			into = &m.peak
		default:
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return memoryUse{}, fmt.Errorf("/proc/self/status: %s: %w", name, err)
		}
		*into = kib << 10
	}
	if m.peak == 0 {
		return memoryUse{}, fmt.Errorf("/proc/self/status has no VmHWM")
	}
	// The kernel sums its counters at different moments.
	m.peak = max(m.peak, m.current)
	return m, nil
}
