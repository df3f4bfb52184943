//go:build unix && !linux

package measure

import (
	"os/exec"
	"syscall"
)

// group is a command with all that it started and that stayed in its process
// group.
type group struct{ cmd *exec.Cmd }

// ownGroup puts a command into a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// startGroup starts a command in a group of its own.
func startGroup(cmd *exec.Cmd) (*group, error) {
	ownGroup(cmd)
	return &group{cmd}, cmd.Start()
}

func (g *group) interrupt() { syscall.Kill(-g.cmd.Process.Pid, syscall.SIGINT) }
func (g *group) terminate() { syscall.Kill(-g.cmd.Process.Pid, syscall.SIGTERM) }
func (g *group) kill()      { syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL) }

// account adds what is known of the group when the command has ended.
func (g *group) account(*Result) {}

// close lets go of what is left of the group.
func (g *group) close() {}
