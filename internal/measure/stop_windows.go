package measure

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a command in a job object, which holds all that it starts.
//
// A job whose last handle is closed ends what is in it: if this process is
// killed, the system closes it.
type group struct {
	cmd *exec.Cmd
	job windows.Handle
}

// ownGroup keeps Ctrl-C, which is for this process, from a command, and lets
// it be asked to stop.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// startGroup starts a command in a job of its own.
func startGroup(cmd *exec.Cmd) (*group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("CreateJobObject: %w", err)
	}
	g := &group{cmd, job}
	if err := g.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE); err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	ownGroup(cmd)
	// It starts nothing before it is in the job.
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := cmd.Start(); err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	var inside error
	err = cmd.Process.WithHandle(func(handle uintptr) {
		if inside = windows.AssignProcessToJobObject(job, windows.Handle(handle)); inside == nil {
			inside = resume(handle)
		}
	})
	if err == nil {
		err = inside
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		windows.CloseHandle(job)
		return nil, fmt.Errorf("job object: %w", err)
	}
	return g, nil
}

var resumeProcess = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtResumeProcess")

// resume lets a process begin that was started suspended. ResumeThread would
// need a handle of its thread, which package os/exec does not keep.
func resume(process uintptr) error {
	if err := resumeProcess.Find(); err != nil {
		return err
	}
	if status, _, _ := resumeProcess.Call(process); status != 0 {
		return windows.NTStatus(status)
	}
	return nil
}

// limit sets what holds for a job.
func (g *group) limit(flags uint32) error {
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags}}
	_, err := windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return fmt.Errorf("SetInformationJobObject: %w", err)
	}
	return nil
}

func (g *group) interrupt() { g.terminate() }

// terminate asks a command to stop, by Ctrl-Break, the one that can be sent to
// a single group. Without a console there is none.
func (g *group) terminate() {
	if windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.cmd.Process.Pid)) != nil {
		g.kill()
	}
}

func (g *group) kill() { windows.TerminateJobObject(g.job, 1) }

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION. Times are in units of
// 100 ns.
type accounting struct {
	totalUserTime, totalKernelTime                                  int64
	periodUserTime, periodKernelTime                                int64
	pageFaults, totalProcesses, activeProcesses, terminatedByLimits uint32
}

// account adds what the job knows: the processor time of all that was in it,
// and what is left of it.
func (g *group) account(r *Result) {
	var a accounting
	if windows.QueryInformationJobObject(g.job, windows.JobObjectBasicAccountingInformation, uintptr(unsafe.Pointer(&a)), uint32(unsafe.Sizeof(a)), nil) != nil {
		return
	}
	r.CPU = max(r.CPU, time.Duration(a.totalUserTime+a.totalKernelTime)*100)
	r.Left = int(a.activeProcesses)
}

// close lets go of what is left in the job: it may go on.
func (g *group) close() {
	g.limit(0)
	windows.CloseHandle(g.job)
}
