package helper

import (
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func init() {
	if os.Getenv(Variable) == "" || len(os.Args) < 3 {
		return
	}
	os.Unsetenv(Variable)
	os.Exit(help(os.Args[1], os.Args[2:], os.NewFile(3, "report")))
}

func help(path string, argv []string, report *os.File) int {
	syscall.CloseOnExec(int(report.Fd()))
	// Signals go to the whole process group; the command answers them, and
	// the helper waits for it. Caught rather than ignored, because a child
	// would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	runtime.LockOSThread() // the command gets its death signal when this thread ends

	// Of two variables of one name the first counts: older ones must go.
	os.Unsetenv("PACER_START")
	os.Unsetenv("PACER_LAUNCHER")
	env := append(os.Environ(), "PACER_LAUNCHER="+strconv.Itoa(os.Getpid()))
	floor := peakMemory()
	start := time.Now()
	env = append(env, "PACER_START="+strconv.FormatInt(start.UnixNano(), 10))
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env: env, Files: []uintptr{0, 1, 2},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		report.WriteString("error " + err.Error() + "\n")
		return 1
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	for {
		_, err = syscall.Wait4(pid, &status, syscall.WUNTRACED, &usage)
		if err == nil && status.Stopped() {
			if s := status.StopSignal(); s == syscall.SIGTTIN || s == syscall.SIGTTOU {
				syscall.Kill(pid, syscall.SIGKILL)
				report.WriteString("error it wants to use the terminal, which it does not have here\n")
				return 1
			}
			continue
		}
		if err != syscall.EINTR {
			break
		}
	}
	wall := time.Since(start)
	if err != nil {
		report.WriteString("error " + err.Error() + "\n")
		return 1
	}
	signal := 0
	if status.Signaled() {
		signal = int(status.Signal())
	}
	figures := []int64{int64(status.ExitStatus()), int64(signal), wall.Nanoseconds(),
		usage.Utime.Nano() + usage.Stime.Nano(), usage.Maxrss << 10, floor}
	words := make([]string, len(figures))
	for i, n := range figures {
		words[i] = strconv.FormatInt(n, 10)
	}
	report.WriteString(strings.Join(words, " ") + "\n")
	return 0
}

// peakMemory returns the peak resident memory of this process in bytes, 0 if
// it cannot be read.
func peakMemory() int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, _ := strconv.ParseInt(kib, 10, 64)
	return n << 10
}
