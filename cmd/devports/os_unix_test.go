//go:build unix

package main

import (
	"os"
	"syscall"
)

// controllingTerminal makes its input the controlling terminal of a process.
func controllingTerminal() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// ownGroup is nil: signals go to processes.
func ownGroup() *syscall.SysProcAttr { return nil }

func sendSignal(p *os.Process, s os.Signal) error { return p.Signal(s) }

const stopSignal = syscall.SIGSTOP
