package control

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession detaches a process from the console.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
