package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// own gives a folder to the user that the server runs as.
func own(dir string) error {
	uid, gid, err := account()
	if err != nil || uid == os.Getuid() {
		return err
	}
	return os.Chown(dir, uid, gid)
}

// account is the user that the server runs as: this one, or postgres for root,
// as whom it refuses to run.
func account() (uid, gid int, err error) {
	if uid = os.Getuid(); uid != 0 {
		return uid, os.Getgid(), nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return 0, 0, err
		}
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

func asUser(cmd *exec.Cmd) error {
	uid, gid, err := account()
	if err != nil {
		return err
	}
	// Its own group, so that Ctrl-C ends the tests first; and it goes with them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if uid != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return nil
}

type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start starts a command from a thread that lives as long as it does: the
// death of the thread, not of the process, is what Pdeathsig tells.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(p.done)
	}()
	return p, <-started
}

// kill ends the server and its children at once.
func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// stop ends the server without waiting for its clients.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGINT)
	<-p.done
}
