package pacer

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// startTick is the resolution of p_starttime.
const startTick = time.Microsecond

func processAge() (time.Duration, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", os.Getpid())
	if err != nil {
		return 0, fmt.Errorf("sysctl kern.proc.pid: %w", err)
	}
	start := info.Proc.P_starttime
	return max(0, time.Since(time.Unix(start.Sec, int64(start.Usec)*1000))), nil
}

// processMemory knows the peak only: current use takes a Mach call.
func processMemory() (memoryUse, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return memoryUse{}, fmt.Errorf("getrusage: %w", err)
	}
	return memoryUse{peak: usage.Maxrss}, nil // in bytes on darwin
}
