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

	env := os.Environ()
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
		_, err = syscall.Wait4(pid, &status, 0, &usage)
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
		usage.Utime.Nano() + usage.Stime.Nano(), usage.Maxrss << 10}
	words := make([]string, len(figures))
	for i, n := range figures {
		words[i] = strconv.FormatInt(n, 10)
	}
	report.WriteString(strings.Join(words, " ") + "\n")
	return 0
}
