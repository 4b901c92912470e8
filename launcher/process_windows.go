package launcher

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/devports/devports/procfile"
)

func shell(command string) []string { return []string{"cmd.exe", "/d", "/s", "/c", command} }

// processGroup makes the process the root of a console process group, so that
// the console's Ctrl-C reaches devports alone and Ctrl-Break can be sent to the
// group. cmd.exe parses its command line itself, so it is passed unquoted.
func processGroup(spec procfile.Process) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if len(spec.Argv) == 0 {
		attr.CmdLine = `cmd.exe /d /s /c "` + spec.Shell + `"`
	}
	return attr
}

// terminate sends Ctrl-Break to the group: Windows has no other signal for it,
// whatever the Portfile's stop_signal says.
func (p *process) terminate(string) {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.pid))
}

// kill ends the process itself. What it has started is not ended with it: that
// takes a job object.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// groupLives is false once the process is waited for: Windows does not tell
// who else is in its group.
func (p *process) groupLives() bool { return false }

func exitOf(state *os.ProcessState) Exit {
	if state == nil {
		return Exit{}
	}
	return Exit{Status: state.ExitCode()}
}

// LookPath finds a program for another directory ("" is this one). The error
// wraps exec.ErrNotFound or fs.ErrNotExist where there is none.
func LookPath(file, dir string, _ []string) (string, error) {
	if strings.ContainsAny(file, `\/`) && !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return exec.LookPath(file)
}
