package measure

import (
	"os"
	"syscall"
)

func peakMemory(s *os.ProcessState) int64 {
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss // bytes on darwin
	}
	return 0
}
