package measure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pacer-perf/pacer/internal/measure/helper"
)

// execute starts the command through a small helper process, which this
// program becomes when it is executed anew (package helper). Started directly,
// a child's ru_maxrss would be at least this process's size at the fork.
func execute(ctx context.Context, path string, c Command, output *drain) (Result, error) {
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, self, append([]string{path}, c.Args...)...)
	cmd.Env = append(append(os.Environ(), c.Env...), helper.Variable+"=1")
	cmd.Stdout, cmd.Stderr = output.write, output.write
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// The helper leads the group: asked to stop, it waits for the command, and
	// takes it along when it has to be killed.
	cmd.WaitDelay = grace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	done := make(chan error, 1)
	report := make(chan []string, 1)
	go func() {
		// The death signal comes when the thread that started the child ends:
		// this one stays until the child has.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		write.Close()
		if err == nil {
			err = cmd.Wait()
		}
		done <- err
	}()
	go func() {
		line, _ := bufio.NewReader(read).ReadString('\n')
		report <- strings.Fields(line)
	}()
	err = <-done
	if ctx.Err() != nil && cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever did not stop
	}
	fields := <-report
	var status, signal, wall, cpu, peak, floor int64
	if n, _ := fmt.Sscan(strings.Join(fields, " "), &status, &signal, &wall, &cpu, &peak, &floor); n != 6 {
		if len(fields) > 1 && fields[0] == "error" {
			return Result{}, errors.New(strings.Join(fields[1:], " "))
		}
		if err == nil {
			err = errors.New("the helper process ended without a report")
		}
		return Result{}, err
	}
	r := Result{Wall: time.Duration(wall), CPU: time.Duration(cpu), PeakMemory: peak, Floor: floor}
	switch {
	case signal != 0:
		r.Failure = "signal: " + syscall.Signal(signal).String()
	case status != 0:
		r.Failure = fmt.Sprintf("exit status %d", status)
	}
	return r, nil
}
