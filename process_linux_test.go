package pacer

import (
	"os"
	"testing"
	"time"
)

// What the operating system says of this process is plausible, and memory that
// is used shows.
func TestThisProcess(t *testing.T) {
	t.Parallel()
	age, err := processAge()
	if err != nil || age <= 0 || age > time.Hour {
		t.Errorf("age = %v, %v", age, err)
	}
	before, err := processMemory()
	if err != nil || before.current < 1<<20 || before.peak < before.current {
		t.Fatalf("memory = %+v, %v", before, err)
	}
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := processMemory()
	if err != nil || after.peak < before.current+60<<20 {
		t.Errorf("memory = %+v after %+v and 64 MB more (%d), %v", after, before, block[4096], err)
	}
}

func TestCgroupLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		files  map[string]string
		cores  float64
		memory int64
	}{
		{name: "nothing"},
		{
			name: "version 2, the smaller limit lies above",
			files: map[string]string{
				"/proc/self/cgroup":             "0::/a/b\n",
				"/sys/fs/cgroup/a/b/cpu.max":    "max 100000\n",
				"/sys/fs/cgroup/a/cpu.max":      "150000 100000\n",
				"/sys/fs/cgroup/a/b/memory.max": "1073741824\n",
				"/sys/fs/cgroup/a/memory.max":   "536870912\n",
			},
			cores: 1.5, memory: 512 << 20,
		},
		{
			name: "version 1",
			files: map[string]string{
				"/proc/self/cgroup":                              "3:cpu,cpuacct:/c\n2:memory:/c\n",
				"/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us":          "50000\n",
				"/sys/fs/cgroup/cpu/c/cpu.cfs_period_us":         "100000\n",
				"/sys/fs/cgroup/cpu/cpu.cfs_quota_us":            "-1\n",
				"/sys/fs/cgroup/memory/memory.limit_in_bytes":    "9223372036854771712\n",
				"/sys/fs/cgroup/memory/c/memory.limit_in_bytes":  "268435456\n",
				"/sys/fs/cgroup/memory/c/memory.usage_in_bytes":  "1\n",
				"/sys/fs/cgroup/cpuset/c/something.else.entirel": "1\n",
			},
			cores: 0.5, memory: 256 << 20,
		},
	}
	for _, tt := range tests {
		cores, memory := cgroupLimits(func(file string) ([]byte, error) {
			if text, ok := tt.files[file]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		})
		if cores != tt.cores || memory != tt.memory {
			t.Errorf("%s: %v cores, %d bytes; want %v, %d", tt.name, cores, memory, tt.cores, tt.memory)
		}
	}
	env := Environment()
	if env.CPU == "" || env.Memory < 64<<20 || env.Host == "" {
		t.Errorf("environment: %+v", env)
	}
}
