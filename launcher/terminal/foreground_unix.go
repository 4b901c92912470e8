//go:build unix

package terminal

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// StartForeground starts a command in a process group of its own, in the
// foreground of a terminal: keys such as Ctrl-C signal only the command.
func StartForeground(cmd *exec.Cmd, tty *os.File) error {
	return control(tty, func(fd int) error {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: fd}
		return cmd.Start()
	})
}

// TakeForeground brings this process back to the foreground of a terminal after
// StartForeground, and lets it handle changes of the terminal's size that it has
// missed.
func TakeForeground(tty *os.File) {
	signal.Ignore(unix.SIGTTOU) // which the system sends to a background process that does this
	defer signal.Reset(unix.SIGTTOU)
	_ = control(tty, func(fd int) error {
		return unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, unix.Getpgrp())
	})
	_ = unix.Kill(os.Getpid(), unix.SIGWINCH)
}

// KillGroup kills the process group that a process leads: SIGKILL follows after
// grace. exited is closed when the process has exited.
func KillGroup(p *os.Process, exited <-chan struct{}, grace time.Duration) {
	_ = unix.Kill(-p.Pid, unix.SIGTERM)
	_ = unix.Kill(-p.Pid, unix.SIGCONT)
	select {
	case <-exited:
	case <-time.After(grace):
		_ = unix.Kill(-p.Pid, unix.SIGKILL)
		<-exited
	}
}
