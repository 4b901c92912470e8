//go:build unix

package launcher

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/procfile"
)

func shell(command string) []string { return []string{"/bin/sh", "-c", command} }

// processGroup makes the process the leader of a group of its own: the
// terminal's Ctrl-C reaches devports alone, and a signal to the group reaches
// what the process has started.
func processGroup(procfile.Process) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// terminate sends the group the signal of that name, without "SIG".
func (p *process) terminate(name string) { p.signal(unix.SignalNum("SIG" + name)) }

func (p *process) kill() { p.signal(unix.SIGKILL) }

// signal sends a signal to the group. A group that has just vanished is no
// error; its end is told by follow.
func (p *process) signal(sig syscall.Signal) {
	_ = unix.Kill(-p.pid, sig)
	if sig != unix.SIGKILL {
		_ = unix.Kill(-p.pid, unix.SIGCONT) // one that was stopped could not react
	}
}

// groupLives reports whether any process of the group is left, once its leader
// has been waited for. The group's number is not given to another process as
// long as one is.
func (p *process) groupLives() bool {
	return unix.Kill(-p.pid, 0) != unix.ESRCH
}

func exitOf(state *os.ProcessState) Exit {
	if state == nil {
		return Exit{}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{
			Status: 128 + int(status.Signal()),
			Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"),
		}
	}
	return Exit{Status: state.ExitCode()}
}

// LookPath finds a program as execvp would in another environment and
// directory ("" is this one). The error wraps exec.ErrNotFound or fs.ErrNotExist
// where there is none.
func LookPath(file, dir string, env []string) (string, error) {
	if strings.Contains(file, "/") {
		if !filepath.IsAbs(file) {
			var err error
			if file, err = filepath.Abs(filepath.Join(dir, file)); err != nil {
				return "", err
			}
		}
		return exec.LookPath(file)
	}
	path := ""
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	var denied error
	for _, folder := range filepath.SplitList(path) {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(dir, folder)
		}
		found, err := exec.LookPath(filepath.Join(folder, file))
		if err == nil {
			return found, nil
		}
		if os.IsPermission(err) {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &exec.Error{Name: file, Err: exec.ErrNotFound}
}
