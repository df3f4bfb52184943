package pacer

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// startTick is the resolution of a FILETIME.
const startTick = 100 * time.Nanosecond

func processAge() (time.Duration, error) {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		return 0, fmt.Errorf("GetProcessTimes: %w", err)
	}
	return max(0, time.Since(time.Unix(0, created.Nanoseconds()))), nil
}

var getProcessMemoryInfo = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// processMemoryCounters is PROCESS_MEMORY_COUNTERS of psapi.h.
type processMemoryCounters struct {
	size                       uint32
	pageFaultCount             uint32
	peakWorkingSetSize         uintptr
	workingSetSize             uintptr
	quotaPeakPagedPoolUsage    uintptr
	quotaPagedPoolUsage        uintptr
	quotaPeakNonPagedPoolUsage uintptr
	quotaNonPagedPoolUsage     uintptr
	pagefileUsage              uintptr
	peakPagefileUsage          uintptr
}

func processMemory() (memoryUse, error) {
	var c processMemoryCounters
	c.size = uint32(unsafe.Sizeof(c))
	ok, _, err := getProcessMemoryInfo.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&c)), uintptr(c.size))
	if ok == 0 {
		return memoryUse{}, fmt.Errorf("GetProcessMemoryInfo: %w", err)
	}
	return memoryUse{current: int64(c.workingSetSize), peak: int64(c.peakWorkingSetSize)}, nil
}
