package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// controllingTerminal does nothing: there are no terminals of our own on
// Windows.
func controllingTerminal() *syscall.SysProcAttr { return nil }

// ownGroup makes a process the leader of a group, to which sendSignal can send
// Ctrl-Break.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

// sendSignal sends Ctrl-Break to the group of a job for an interrupt. Ctrl-C
// cannot be sent to a group. There are no other signals.
func sendSignal(p *os.Process, s os.Signal) error {
	if s == os.Interrupt {
		return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid))
	}
	return p.Signal(s)
}

// peakOf is 0: unknown.
func peakOf(*os.ProcessState) int { return 0 }

const stopSignal = syscall.SIGKILL // the only signal
