package measure

import (
	"os"
	"syscall"
)

func usage(s *os.ProcessState, r *Result) {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		r.PeakMemory = u.Maxrss // bytes here
		r.MinorFaults, r.MajorFaults = u.Minflt, u.Majflt
		r.VoluntarySwitches, r.Preemptions = u.Nvcsw, u.Nivcsw
	}
}
