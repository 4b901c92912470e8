package system

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// terminateSignal is not sent on Windows: proctree ends processes at once.
const terminateSignal = syscall.SIGTERM

// processSet holds the processes that one run has started. Each is in a job
// object of its own, together with everything it starts. Windows ends the job
// when its last handle is closed, that is, however devports ends. So no
// watchdog is needed, and no process is left.
type processSet struct {
	mark        proctree.Mark
	leftRunning func(Orphan)
	watchdog    *watchdog
}

func newProcessSet(instance string, _ bool, _ *EarlyWatchdog) *processSet {
	s := &processSet{}
	if instance != "" {
		s.mark = MarkOf(instance)
	}
	return s
}

func (s *processSet) startReaper() (stop func()) { return func() {} }

func (s *processSet) findOutside() {}

func (s *processSet) holdSignals() (begin func()) { return func() {} }

// setOutsidePrograms does nothing: a job ends with everything in it.
func (s *processSet) setOutsidePrograms([]string) {}

// orphansIn is empty: no process leaves its job.
func (s *processSet) orphansIn(proctree.Tree, string) (ours, out []proctree.Process, ended bool) {
	return nil, nil, false
}

func (s *processSet) killOrphans(context.Context, time.Duration) (killed, leftRunning []Orphan) {
	return nil, nil
}

// start starts a process in a job of its own. The process is suspended until it
// is in the job, so that its children will be, too.
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
	if err := assignAndResume(job, uint32(p.Pid)); err != nil {
		_ = p.Kill()
		_, _ = p.Wait()
		windows.CloseHandle(job)
		return nil, nil, err
	}
	return &group{pid: p.Pid, service: service, set: s, job: job}, exitOf(p), nil
}

// exitOf returns a channel that receives the exit of a process.
func exitOf(p *os.Process) <-chan Exit {
	exit := make(chan Exit, 1)
	go func() {
		state, err := p.Wait()
		if err != nil {
			exit <- Exit{Status: 126, Err: err}
			return
		}
		exit <- Exit{Status: state.ExitCode()}
	}()
	return exit
}

// newJob creates a job object that ends with its last handle. A run in the
// background that a process of the job starts may leave the job.
func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	if err := setLimits(job, windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE|windows.JOB_OBJECT_LIMIT_BREAKAWAY_OK); err != nil {
		windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}

func setLimits(job windows.Handle, flags uint32) error {
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags},
	}
	_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	return os.NewSyscallError("SetInformationJobObject", err)
}

// StartTied starts a command that ends, with all that it has started, if this
// process is killed. What the command leaves running when it has ended lives on
// once release is called.
func StartTied(cmd *exec.Cmd) (release func(), err error) {
	job, err := newJob()
	if err != nil {
		return nil, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := cmd.Start(); err != nil {
		windows.CloseHandle(job)
		return nil, err
	}
	if err := assignAndResume(job, uint32(cmd.Process.Pid)); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		windows.CloseHandle(job)
		return nil, err
	}
	return func() {
		_ = setLimits(job, windows.JOB_OBJECT_LIMIT_BREAKAWAY_OK)
		windows.CloseHandle(job)
	}, nil
}

// assignAndResume assigns a suspended process to a job and resumes it.
func assignAndResume(job windows.Handle, pid uint32) error {
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

// onlyThread opens the thread of a process that has not run yet:
// os.StartProcess closes the handle that CreateProcess returns.
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

// ShellCommand returns the arguments and attributes that run a command in the
// system's shell, like that of a service with that environment.
func ShellCommand(command string, env procfile.Environment) ([]string, *syscall.SysProcAttr) {
	return shellCommand(command), &syscall.SysProcAttr{CmdLine: shellLine(command, env)}
}

// shellLine does not quote the command: cmd.exe parses its command line itself.
func shellLine(command string, env procfile.Environment) string {
	return `cmd.exe /d /s /c "` + shell.Cmd(command, env.Lookup) + `"`
}

func shellCommand(command string) []string { return []string{"cmd.exe", "/d", "/s", "/c", command} }

// withoutShell never succeeds: cmd.exe parses a line in its own way.
func withoutShell(string, string, []string, []string) (path string, argv, env []string, ok bool) {
	return "", nil, nil, false
}

// processAttributes makes the process the root of a console process group, so
// that the console's Ctrl-C reaches only devports, and Ctrl-Break can be sent
// to the group.
func processAttributes(spec procfile.Process, _ bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if len(spec.Argv) == 0 {
		attr.CmdLine = shellLine(spec.Shell, spec.Env)
	}
	return attr
}

// group is the job of a process: the process and everything it has started.
type group struct {
	pid     int
	service string
	set     *processSet

	mu  sync.Mutex     // guards job
	job windows.Handle // 0 once it has ended
}

// Terminate sends Ctrl-Break to the group: Windows has no other such signal,
// whatever stop_signal in the Portfile says.
func (g *group) Terminate(string, time.Duration) {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.pid))
}

// Kill ends every process in the job.
func (g *group) Kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job != 0 {
		_ = windows.TerminateJobObject(g.job, 1)
	}
}

// discard ends every process in the job and closes it.
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

// hasLeftRunning is false: a job ends with everything in it.
func (g *group) hasLeftRunning() bool { return false }

// Survivors is empty: a job has no process that cannot be ended.
func (g *group) Survivors() []Orphan { return nil }

// wait returns at once: Terminate and Kill are synchronous.
func (g *group) wait() {}

// IsWatchdog is false on Windows: see [Watchdog].
func IsWatchdog([]string) bool { return false }

// Watchdog does nothing on Windows, where the system ends the jobs of devports.
func Watchdog(io.Reader) {}

type watchdog struct{}

func (*watchdog) dismiss() {}

func (*watchdog) setAttached(bool) {}

// startOutside starts a process that is in no job of this run.
func (s *processSet) startOutside(path string, argv []string) (exited <-chan Exit, err error) {
	p, err := os.StartProcess(path, argv, &os.ProcAttr{})
	if err != nil {
		return nil, err
	}
	return exitOf(p), nil
}

func (s *processSet) startWatchdog(*EarlyWatchdog, *os.File, terminal.State, func(error)) {}

// EarlyWatchdog is never needed on Windows: see [Watchdog].
type EarlyWatchdog struct{}

// StartWatchdog returns nil.
func StartWatchdog(*os.File) *EarlyWatchdog { return nil }

// Dismiss does nothing.
func (*EarlyWatchdog) Dismiss() {}
