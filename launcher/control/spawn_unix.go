//go:build unix

package control

import "syscall"

// ownSession detaches a process from the terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
