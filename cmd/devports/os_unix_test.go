//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// controllingTerminal makes its input the controlling terminal of a process.
func controllingTerminal() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// ownGroup is nil: signals go to processes.
func ownGroup() *syscall.SysProcAttr { return nil }

func sendSignal(p *os.Process, s os.Signal) error { return p.Signal(s) }

// peakOf returns the most memory that a process has had until its end, in bytes.
func peakOf(p *os.ProcessState) int {
	peak := int(p.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" {
		return peak
	}
	return peak << 10
}

const stopSignal = syscall.SIGSTOP
