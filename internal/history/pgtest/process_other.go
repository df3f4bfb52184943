//go:build !linux

package pgtest

import (
	"os"
	"os/exec"
)

func own(string) error       { return nil }
func asUser(*exec.Cmd) error { return nil }

type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { cmd.Wait(); close(p.done) }()
	return p, nil
}

func (p *process) kill() { p.cmd.Process.Kill(); <-p.done }

func (p *process) stop() {
	if p.cmd.Process.Signal(os.Interrupt) != nil {
		p.cmd.Process.Kill()
	}
	<-p.done
}
