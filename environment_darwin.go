package pacer

import (
	"golang.org/x/sys/unix"

	"github.com/pacer-perf/pacer/run"
)

func describeMachine(env *run.Environment) {
	env.CPU, _ = unix.Sysctl("machdep.cpu.brand_string")
	if bytes, err := unix.SysctlUint64("hw.memsize"); err == nil {
		env.Memory = int64(bytes)
	}
}
