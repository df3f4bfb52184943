//go:build !unix

package measure

import "os/exec"

// There are no signals here: a command is ended at once.

func ownGroup(*exec.Cmd)      {}
func interrupt(cmd *exec.Cmd) { cmd.Process.Kill() }
func terminate(cmd *exec.Cmd) { cmd.Process.Kill() }
func kill(cmd *exec.Cmd)      { cmd.Process.Kill() }
