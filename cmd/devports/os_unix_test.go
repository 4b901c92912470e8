//go:build unix

package main

import "syscall"

// controllingTerminal makes its input the controlling terminal of a process.
func controllingTerminal() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

const stopSignal = syscall.SIGSTOP
