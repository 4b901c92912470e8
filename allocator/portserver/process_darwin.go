package portserver

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// startTime returns when the process pid started, in microseconds of Unix time.
func startTime(pid int) (uint64, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err == nil {
		start := info.Proc.P_starttime
		return uint64(start.Sec)*1e6 + uint64(start.Usec), nil
	}
	// The sysctl succeeds with an empty answer, which x/sys reports as EIO.
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return 0, errNoProcess
	}
	return 0, fmt.Errorf("kern.proc.pid %d: %w", pid, err)
}
