package control

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession detaches a process from the console and gives it an invisible one
// of its own. Without a console (DETACHED_PROCESS), Ctrl-Break could not reach
// the services of a run, and each would open a window.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW | windows.CREATE_NEW_PROCESS_GROUP}
}

// startOutside starts a process outside of the job of this process, which
// would end it, unless the job forbids that.
func startOutside(path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	sys := *attr.Sys
	outside := *attr
	outside.Sys = &sys
	sys.CreationFlags |= windows.CREATE_BREAKAWAY_FROM_JOB
	p, err := os.StartProcess(path, argv, &outside)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return os.StartProcess(path, argv, attr)
	}
	return p, err
}
