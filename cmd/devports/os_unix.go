//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// replace replaces this process with the program.
func (p program) replace() error { return unix.Exec(p.path, p.argv, p.env) }

// statusOf is the exit status that a shell reports for a command.
func statusOf(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// fromTerminal reports whether a signal probably comes from a key, which sends
// it to every process in the foreground of the terminal.
func fromTerminal(sig os.Signal) bool {
	if sig != unix.SIGINT && sig != unix.SIGQUIT {
		return false
	}
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(tty)
	foreground, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// showsColors is true: see os_windows.go.
func showsColors(*os.File) bool { return true }

// environ is the environment of this process.
func environ() []string { return os.Environ() }

// statisticsSignals ask a port server for its statistics.
func statisticsSignals() []os.Signal { return []os.Signal{unix.SIGUSR1} }

// ownedByAnother reports whether path belongs to another user.
func ownedByAnother(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Getuid()
}
