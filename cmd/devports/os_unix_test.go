//go:build unix

package main

import "syscall"

// controllingTerminal gives a process its input as its terminal.
func controllingTerminal() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

const stopSignal = syscall.SIGSTOP
