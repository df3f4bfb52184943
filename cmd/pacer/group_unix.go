//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// endGroup makes a command one group of processes, which ends as a whole when
// its context does: what it started has its output open.
func endGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
