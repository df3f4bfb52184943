//go:build !linux

package measure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// execute starts the command directly. Peak memory is what the system tells of
// a child after its end, where it does.
func execute(ctx context.Context, path string, c Command, output *drain) (Result, error) {
	cmd := exec.CommandContext(ctx, path, c.Args[1:]...)
	cmd.Args[0] = c.Args[0]
	cmd.Stdout, cmd.Stderr = output.write, output.write
	cmd.WaitDelay = grace + time.Second
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil { // not on Windows
			return cmd.Process.Kill()
		}
		return nil
	}
	start := time.Now()
	cmd.Env = append(append(os.Environ(), c.Env...), fmt.Sprintf("PACER_START=%d", start.UnixNano()), fmt.Sprintf("PACER_LAUNCHER=%d", os.Getpid()))
	err := cmd.Run()
	r := Result{Wall: time.Since(start)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Failure = exit.Error()
	case err != nil:
		return r, err
	}
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.PeakMemory = peakMemory(cmd.ProcessState)
	return r, nil
}
