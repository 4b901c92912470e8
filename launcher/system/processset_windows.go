package system

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// terminateSignal asks nobody on Windows: proctree then ends processes at once.
const terminateSignal = syscall.SIGTERM

// processSet are the processes that one run has made. Each is in a job object of its
// own, to which all that it starts belongs as well, and which the system ends
// when the last handle to it is closed: when devports ends, however it does. So
// no watchdog is needed, and nothing is left at the end.
type processSet struct {
	mark     proctree.Mark
	spared   func(Orphan)
	watchdog *watchdog
}

func newProcessSet(instance string, _ bool) *processSet {
	s := &processSet{}
	if instance != "" {
		s.mark = MarkOf(instance)
	}
	return s
}

func (s *processSet) gather() (scatter func()) { return func() {} }

func (s *processSet) lookAround() {}

func (s *processSet) together() (begin func()) { return func() {} }

// share has nothing to do: jobs have all that a service starts end with it.
func (s *processSet) share([]string) {}

// orphansIn is empty: nothing leaves its job.
func (s *processSet) orphansIn(proctree.Tree, string) (ours, out []proctree.Process, ended bool) {
	return nil, nil, false
}

func (s *processSet) killRest(context.Context, time.Duration) (rest, spared []Orphan) {
	return nil, nil
}

// start makes a process in a job of its own. It is suspended until it is in the
// job: what it starts would otherwise not be.
func (s *processSet) start(service, path string, argv []string, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	job, err := newJob()
	if err != nil {
		return nil, nil, err
	}
	attr.Sys.CreationFlags |= windows.CREATE_SUSPENDED
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		windows.CloseHandle(job)
		return nil, nil, err
	}
	if err := release(job, uint32(p.Pid)); err != nil {
		_ = p.Kill()
		_, _ = p.Wait()
		windows.CloseHandle(job)
		return nil, nil, err
	}
	came := make(chan Exit, 1)
	go func() {
		state, err := p.Wait()
		if err != nil {
			came <- Exit{Status: 126, Err: err}
			return
		}
		came <- Exit{Status: state.ExitCode()}
	}()
	return &group{pid: p.Pid, service: service, set: s, job: job}, came, nil
}

// newJob makes a job object that ends with its last handle.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		windows.CloseHandle(job)
		return 0, os.NewSyscallError("SetInformationJobObject", err)
	}
	return job, nil
}

// release puts a suspended process in a job and lets it go.
func release(job windows.Handle, pid uint32) error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, pid)
	if err != nil {
		return os.NewSyscallError("OpenProcess", err)
	}
	defer windows.CloseHandle(process)
	if err := windows.AssignProcessToJobObject(job, process); err != nil {
		return os.NewSyscallError("AssignProcessToJobObject", err)
	}
	thread, err := onlyThread(pid)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(thread)
	if _, err := windows.ResumeThread(thread); err != nil {
		return os.NewSyscallError("ResumeThread", err)
	}
	return nil
}

// onlyThread opens the thread of a process that has not run yet: os.StartProcess
// closes the handle that CreateProcess gives.
func onlyThread(pid uint32) (windows.Handle, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return 0, os.NewSyscallError("CreateToolhelp32Snapshot", err)
	}
	defer windows.CloseHandle(snapshot)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if entry.OwnerProcessID == pid {
			thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
			return thread, os.NewSyscallError("OpenThread", err)
		}
	}
	return 0, fmt.Errorf("process %d has no thread: %w", pid, err)
}

// ShellCommand is what runs a command in the system's shell, as that of a service.
func ShellCommand(command string) ([]string, *syscall.SysProcAttr) {
	return shellCommand(command), &syscall.SysProcAttr{CmdLine: shellLine(command)}
}

// shellLine is not quoted: cmd.exe parses its command line itself.
func shellLine(command string) string { return `cmd.exe /d /s /c "` + command + `"` }

func shellCommand(command string) []string { return []string{"cmd.exe", "/d", "/s", "/c", command} }

// withoutShell is never ok: cmd.exe takes a line apart in ways of its own.
func withoutShell(string, string, []string) (path string, argv, env []string, ok bool) {
	return "", nil, nil, false
}

// processAttributes make the process the root of a console process group, so
// that the console's Ctrl-C reaches devports alone and Ctrl-Break can be sent to
// the group.
func processAttributes(spec procfile.Process, _ bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if len(spec.Argv) == 0 {
		attr.CmdLine = shellLine(spec.Shell)
	}
	return attr
}

// group is a process and everything that it has started: its job.
type group struct {
	pid     int
	service string
	set     *processSet

	mu  sync.Mutex     // guards job
	job windows.Handle // 0 once nothing is left of it
}

// Terminate sends Ctrl-Break to the group: Windows has no other signal for it,
// whatever the Portfile's stop_signal says.
func (g *group) Terminate(string, time.Duration) {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.pid))
}

// Kill ends everything in the job.
func (g *group) Kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job != 0 {
		_ = windows.TerminateJobObject(g.job, 1)
	}
}

// discard ends everything in the job and gives it up.
func (g *group) discard() {
	g.Kill()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job != 0 {
		windows.CloseHandle(g.job)
		g.job = 0
	}
}

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION of winnt.h.
type accounting struct {
	TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64

	TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses uint32
}

// lives reports whether any process of the job is left.
func (g *group) lives() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == 0 {
		return false
	}
	var now accounting
	err := windows.QueryInformationJobObject(g.job, windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&now)), uint32(unsafe.Sizeof(now)), nil)
	if err == nil && now.ActiveProcesses > 0 {
		return true
	}
	windows.CloseHandle(g.job)
	g.job = 0
	return false
}

// Survivors are not looked for: a job has no process that it cannot end.
func (g *group) Survivors() []Orphan { return nil }

// wait has nothing to wait for: Terminate and Kill are done when they return.
func (g *group) wait() {}

// IsWatchdog is false on Windows: see [Watchdog].
func IsWatchdog([]string) bool { return false }

// Watchdog does nothing on Windows, where the system ends what devports leaves.
func Watchdog(io.Reader) {}

type watchdog struct{}

func (*watchdog) dismiss() {}

func (*watchdog) attached(bool) {}

// startOutside makes a process that no job of this run has.
func (s *processSet) startOutside(path string, argv []string) error {
	p, err := os.StartProcess(path, argv, &os.ProcAttr{})
	if err != nil {
		return err
	}
	return p.Release()
}

func (s *processSet) startWatchdog(*os.File, terminal.State, func(error)) {}
