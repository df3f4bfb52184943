package helper

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
)

// memory keeps this process small, and of one size: what it uses when it forks,
// every command seems to use.
type memory struct {
	floor   int64 // the most that this process ever used, in bytes
	statm   int   // file descriptor of what the kernel says of it
	made    [1]metrics.Sample
	cleared uint64 // bytes that had been allocated when garbage was last collected
}

// collectAfter is how many bytes of garbage there may be. It is never collected
// while a command runs, and takes as long as some commands do.
const collectAfter = 256 << 10

// newMemory gives back what the start of the program needed, and takes what the
// helper is going to need at most, so that the first command sees what the last
// does.
func newMemory() *memory {
	runtime.GOMAXPROCS(1) // one thread works at a time
	debug.SetGCPercent(-1)
	m := &memory{made: [1]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}}
	m.statm, _ = syscall.Open("/proc/self/statm", syscall.O_RDONLY|syscall.O_CLOEXEC, 0) // -1 cannot be read
	debug.FreeOSMemory()
	giveBack()
	for range 4 {
		for size := 0; size < collectAfter*3/2; size += len(garbage) {
			garbage = make([]byte, len(garbage))
			for i := range garbage {
				garbage[i] = 1
			}
		}
		m.collect()
	}
	return m
}

var garbage = make([]byte, 4<<10)

// tidy collects garbage if there is enough of it, and returns the least that can
// be told of a command that is started now.
func (m *memory) tidy() int64 {
	if metrics.Read(m.made[:]); m.made[0].Value.Uint64()-m.cleared > collectAfter {
		m.collect()
	}
	m.floor = max(m.floor, m.resident())
	return m.floor
}

// collect collects garbage. What that frees is used again: the process neither
// grows nor shrinks by it.
func (m *memory) collect() {
	runtime.GC()
	m.floor = max(m.floor, peakMemory())
	metrics.Read(m.made[:])
	m.cleared = m.made[0].Value.Uint64()
}

// resident returns the resident memory of this process in bytes.
func (m *memory) resident() int64 {
	var line [128]byte
	n, err := syscall.Pread(m.statm, line[:], 0)
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(line[:n], []byte(" ")) // size, resident, ...
	return number(after) * int64(os.Getpagesize())
}

// number reads the digits that a text begins with.
func number(text []byte) int64 {
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// peakMemory returns the peak resident memory of this process in bytes, 0 if
// it cannot be read. getrusage would say less: it begins with the parent's.
func peakMemory() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(text, []byte("VmHWM:"))
	return number(bytes.TrimSpace(after)) << 10
}

// giveBack gives back the pages of the program that its start needed, some eight
// megabytes, and has the kernel forget that they were there. If any of this
// fails, the least that can be told of memory is more.
func giveBack() {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var from, to uintptr // the mapping that the lines are about; 0: not one to give back
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 6 && !strings.HasSuffix(fields[0], ":"): // range, permissions, offset, device, inode, file
			from, to = 0, 0
			if fields[1][1] == 'w' || !strings.HasPrefix(fields[5], "/") {
				continue
			}
			lo, hi, _ := strings.Cut(fields[0], "-")
			start, errStart := strconv.ParseUint(lo, 16, 64)
			end, errEnd := strconv.ParseUint(hi, 16, 64)
			if errStart == nil && errEnd == nil {
				from, to = uintptr(start), uintptr(end)
			}
		case len(fields) >= 2 && fields[0] == "Anonymous:" && from != 0:
			// Pages that were never written come back from the file when they
			// are needed. What the loader relocated is not in the file.
			if fields[1] == "0" {
				syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
			}
			from = 0
		case len(fields) == 5: // a mapping without a file
			from = 0
		}
	}
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
