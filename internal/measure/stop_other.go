//go:build !unix && !windows

package measure

import "os/exec"

// group is a command. There are no signals here, and nothing is known of what
// it starts: it alone is ended, at once.
type group struct{ cmd *exec.Cmd }

func ownGroup(*exec.Cmd) {}

func startGroup(cmd *exec.Cmd) (*group, error) { return &group{cmd}, cmd.Start() }

func (g *group) interrupt()      { g.kill() }
func (g *group) terminate()      { g.kill() }
func (g *group) kill()           { g.cmd.Process.Kill() }
func (g *group) account(*Result) {}
func (g *group) close()          {}
