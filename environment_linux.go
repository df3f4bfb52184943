package pacer

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/run"
)

func describeMachine(env *run.Environment) {
	env.CPU = procField("/proc/cpuinfo", "model name")
	if kib, ok := strings.CutSuffix(procField("/proc/meminfo", "MemTotal"), " kB"); ok {
		n, _ := strconv.ParseInt(kib, 10, 64)
		env.Memory = n << 10
	}
	env.CPULimit, env.MemoryLimit = cgroupLimits(os.ReadFile)
	if env.MemoryLimit >= env.Memory {
		env.MemoryLimit = 0 // no limit in force
	}
	if env.CPULimit >= float64(env.Cores) {
		env.CPULimit = 0
	}
}

// procField returns the first value of a "name : value" line.
func procField(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cgroupLimits returns the cores and bytes that the control groups of this
// process leave it, 0 for no limit, in version 2 and version 1 hierarchies. A
// limit of any group above counts as well: the smallest is in force.
func cgroupLimits(read func(string) ([]byte, error)) (cores float64, memory int64) {
	groups, _ := read("/proc/self/cgroup")
	number := func(file string) float64 {
		text, err := read(file)
		if err != nil {
			return 0
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		if err != nil || v <= 0 { // "max", -1
			return 0
		}
		return v
	}
	limitCores := func(quota, period float64) {
		if quota > 0 && period > 0 && (cores == 0 || quota/period < cores) {
			cores = quota / period
		}
	}
	limitMemory := func(bytes float64) {
		// Version 1 writes "no limit" as the largest multiple of a page.
		if bytes > 0 && bytes < 1<<62 && (memory == 0 || int64(bytes) < memory) {
			memory = int64(bytes)
		}
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		// Inside a container the group's path may name a directory that is
		// not mounted there: the root is read in any case.
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			switch {
			case parts[0] == "0":
				dir := path.Join("/sys/fs/cgroup", group)
				if text, err := read(dir + "/cpu.max"); err == nil {
					if f := strings.Fields(string(text)); len(f) == 2 && f[0] != "max" {
						quota, _ := strconv.ParseFloat(f[0], 64)
						period, _ := strconv.ParseFloat(f[1], 64)
						limitCores(quota, period)
					}
				}
				limitMemory(number(dir + "/memory.max"))
			case strings.Contains(","+parts[1]+",", ",cpu,"):
				dir := path.Join("/sys/fs/cgroup/cpu", group)
				limitCores(number(dir+"/cpu.cfs_quota_us"), number(dir+"/cpu.cfs_period_us"))
			case parts[1] == "memory":
				limitMemory(number(path.Join("/sys/fs/cgroup/memory", group) + "/memory.limit_in_bytes"))
			}
			if group == "/" {
				break
			}
		}
	}
	return cores, memory
}
