package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pacer-perf/pacer/run"
)

func look(env *run.Environment, f *Facts) { lookIn("/", env, f) }

// lookIn reads below a root, which is / but in tests.
func lookIn(root string, env *run.Environment, f *Facts) {
	read := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(root, name))
		return strings.TrimSpace(string(text))
	}
	env.Kernel = read("proc/sys/kernel/osrelease")
	env.Governor = governor(root)
	env.Turbo = turbo(read)
	env.SMT = map[string]string{"1": "on", "0": "off"}[read("sys/devices/system/cpu/smt/active")]
	env.ASLR = map[string]string{"0": "off", "1": "on", "2": "on"}[read("proc/sys/kernel/randomize_va_space")]
	env.Clock = read("sys/devices/system/clocksource/clocksource0/current_clocksource")
	env.Virtual = virtual(read)

	if fields := strings.Fields(read("proc/loadavg")); len(fields) > 0 {
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
			f.Load = &v
		}
	}
	memory := make(map[string]int64)
	for line := range strings.Lines(read("proc/meminfo")) {
		name, value, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64); err == nil {
			memory[name] = n << 10
		}
	}
	f.Available, f.SwapUsed = memory["MemAvailable"], memory["SwapTotal"]-memory["SwapFree"]
	if t := parseTicks(read("proc/stat")); t.total > 0 {
		share := t.steal / t.total
		f.Steal = &share
	}
	if _, after, ok := strings.Cut(read("proc/pressure/cpu"), "avg10="); ok {
		word, _, _ := strings.Cut(after, " ")
		if v, err := strconv.ParseFloat(word, 64); err == nil {
			v /= 100
			f.Pressure = &v
		}
	}
	if t := throttlingIn(root); t.known {
		f.Throttled = &t.times
	}
}

func readThrottling() throttling { return throttlingIn("/") }

// throttlingIn reads what the control group says: of version 2 in microseconds,
// of version 1 in nanoseconds.
func throttlingIn(root string) throttling {
	for _, name := range []string{"sys/fs/cgroup/cpu.stat", "sys/fs/cgroup/cpu/cpu.stat"} {
		text, _ := os.ReadFile(filepath.Join(root, name))
		var t throttling
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.ParseInt(value, 10, 64)
			switch {
			case err != nil:
			case key == "nr_throttled":
				t.times, t.known = n, true
			case key == "throttled_usec":
				t.took = time.Duration(n) * time.Microsecond
			case key == "throttled_time":
				t.took = time.Duration(n)
			}
		}
		if t.known {
			return t
		}
	}
	return throttling{}
}

// governor returns the governors of the processors, which usually is one.
func governor(root string) string {
	files, _ := filepath.Glob(filepath.Join(root, "sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
	var list []string
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if word := strings.TrimSpace(string(text)); word != "" && !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// turbo reads what either of two drivers says.
func turbo(read func(string) string) string {
	if no := read("sys/devices/system/cpu/intel_pstate/no_turbo"); no != "" {
		return map[string]string{"0": "on", "1": "off"}[no]
	}
	return map[string]string{"1": "on", "0": "off"}[read("sys/devices/system/cpu/cpufreq/boost")]
}

// virtual names the virtual machine, "none" if the processor sees none.
func virtual(read func(string) string) string {
	product := strings.ToLower(read("sys/class/dmi/id/sys_vendor") + " " + read("sys/class/dmi/id/product_name"))
	for _, kind := range []struct{ sign, name string }{
		{"kvm", "kvm"}, {"qemu", "kvm"}, {"vmware", "vmware"}, {"virtualbox", "virtualbox"}, {"amazon ec2", "amazon"}, {"google", "google"},
		{"microsoft corporation virtual", "hyper-v"}, {"xen", "xen"}, {"parallels", "parallels"}, {"bhyve", "bhyve"},
	} {
		if strings.Contains(product, kind.sign) {
			return kind.name
		}
	}
	if kind := read("sys/hypervisor/type"); kind != "" {
		return kind
	}
	if strings.Contains(strings.ToLower(read("proc/version")), "microsoft") {
		return "wsl"
	}
	info := read("proc/cpuinfo")
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); name == "flags" {
			if slices.Contains(strings.Fields(value), "hypervisor") {
				return "unknown kind"
			}
			return "none"
		}
	}
	return "" // other processors do not say
}

// userHZ is what the kernel counts a second in, on every architecture that Go
// runs on.
const userHZ = 100

func readTicks() ticks {
	text, _ := os.ReadFile("/proc/stat")
	return parseTicks(string(text))
}

// parseTicks reads the first line of /proc/stat: cpu, then user, nice, system,
// idle, iowait, irq, softirq, steal, and guests, which user and nice hold.
func parseTicks(stat string) ticks {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return ticks{}
	}
	var t ticks
	for i, word := range fields[1:9] {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return ticks{}
		}
		n /= userHZ
		t.total += n
		switch i {
		case 3, 4: // idle, waiting for a disk
		case 7:
			t.steal = n
		default:
			t.busy += n
		}
	}
	return t
}

// selfTime is the CPU time of this process.
func selfTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
