package watcher

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// fileLimit returns how many files this process may open: the runtime has raised
// its limit as far as it may, but the kernel has one for each process, too. It is
// read each time: it costs less than opening one file.
func fileLimit() int {
	limit := math.MaxInt32
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err == nil {
		limit = int(min(own.Cur, uint64(limit)))
	}
	return min(limit, perProcess())
}

func perProcess() int {
	most, err := unix.SysctlUint32("kern.maxfilesperproc")
	if err != nil {
		return math.MaxInt32
	}
	return int(min(most, math.MaxInt32))
}

// RaiseFileLimit is the command that raises the limit of open files.
func RaiseFileLimit(to int) string {
	if to <= perProcess() {
		return fmt.Sprintf("ulimit -n %d", to)
	}
	return fmt.Sprintf("sudo sysctl -w kern.maxfilesperproc=%d && ulimit -n %[1]d", to)
}
