package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

func TestLook(t *testing.T) {
	t.Parallel()
	load, steal, pressure, throttled := 1.5, 0.05, 0.25, int64(7)
	tests := []struct {
		name  string
		files map[string]string
		env   run.Environment
		facts Facts
	}{
		{name: "nothing"},
		{
			name: "a laptop",
			files: map[string]string{
				"proc/sys/kernel/osrelease":                                       "6.1.0\n",
				"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":            "powersave\n",
				"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor":            "powersave\n",
				"sys/devices/system/cpu/intel_pstate/no_turbo":                    "0\n",
				"sys/devices/system/cpu/smt/active":                               "1\n",
				"proc/sys/kernel/randomize_va_space":                              "2\n",
				"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
				"proc/cpuinfo": "model name : x\nflags : fpu sse\n",
			},
			env: run.Environment{Kernel: "6.1.0", Governor: "powersave", Turbo: "on", SMT: "on", ASLR: "on", Clock: "tsc", Virtual: "none"},
		},
		{
			name: "a virtual machine, busy",
			files: map[string]string{
				"sys/class/dmi/id/sys_vendor":                          "QEMU\n",
				"sys/devices/system/cpu/cpufreq/boost":                 "0\n",
				"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
				"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
				"proc/loadavg":           "1.50 0.70 0.30 2/150 4242\n",
				"proc/meminfo":           "MemTotal: 4096 kB\nMemAvailable: 1024 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n",
				"proc/stat":              "cpu 300 50 100 400 50 20 30 50 0 0\ncpu0 1\n",
				"proc/pressure/cpu":      "some avg10=25.00 avg60=1.00 avg300=0.10 total=5\n",
				"sys/fs/cgroup/cpu.stat": "usage_usec 5\nnr_throttled 7\nthrottled_usec 9\n",
			},
			env:   run.Environment{Virtual: "kvm", Turbo: "off", Governor: "ondemand, performance"},
			facts: Facts{Load: &load, Available: 1 << 20, SwapUsed: 60 << 10, Steal: &steal, Pressure: &pressure, Throttled: &throttled},
		},
		{name: "another hypervisor", files: map[string]string{"proc/cpuinfo": "flags : fpu hypervisor\n"}, env: run.Environment{Virtual: "unknown kind"}},
		{name: "broken", files: map[string]string{"proc/loadavg": "x", "proc/stat": "cpu 1 2", "proc/pressure/cpu": "some", "proc/meminfo": "MemAvailable: x kB"}},
	}
	for _, tt := range tests {
		root := t.TempDir()
		for name, text := range tt.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var env run.Environment
		var facts Facts
		lookIn(root, &env, &facts)
		if diff := cmp.Diff(tt.env, env) + cmp.Diff(tt.facts, facts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	var env run.Environment
	if f := Look(&env); env.Kernel == "" || f.ClockCost <= 0 || f.ClockCost > 0.01 || f.Load == nil {
		t.Errorf("this machine: %+v, %+v", env, f)
	}
}

// What others use is what is busy beside what is measured.
func TestUsage(t *testing.T) {
	t.Parallel()
	w := Watch{began: time.Now().Add(-time.Hour), at: readTicks()}
	if w.at.total == 0 {
		t.Fatal("/proc/stat tells nothing")
	}
	w.at.busy -= 3600
	w.at.total -= 7200
	all, ok := w.Usage(0)
	part, _ := w.Usage(30 * time.Minute)
	if !ok || all.Others < 0.4 || all.Others > 0.6 || all.Others-part.Others < 0.2 || all.Others-part.Others > 0.3 {
		t.Errorf("%+v, %+v, %v", all, part, ok)
	}
	if _, ok := NewWatch().Usage(0); ok {
		t.Error("a moment is long enough to tell")
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, text string
		want             throttling
	}{
		{"version 2", "cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 7\nthrottled_usec 1500\nnr_bursts 0\n", throttling{7, 1500 * time.Microsecond, true}},
		{"version 1", "cpu/cpu.stat", "nr_periods 9\nnr_throttled 7\nthrottled_time 1500\n", throttling{7, 1500, true}},
		{"the root of version 2", "cpu.stat", "usage_usec 5\n", throttling{}},
		{"broken", "cpu.stat", "nr_throttled x\nthrottled_usec 5\n", throttling{}},
	} {
		root := t.TempDir()
		file := filepath.Join(root, "sys/fs/cgroup", tt.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := throttlingIn(root); got != tt.want {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}
