package process

import "syscall"

// Status has further attributes from /proc/PID/status.
type Status struct {
	// User is the effective user ID.
	User int
	// Caught are the signals that the process handles, Ignored those that it
	// ignores, and Blocked those that its first thread blocks. All others have
	// their default action, see signal(7).
	Caught, Ignored, Blocked SignalSet
}

// ReadStatus reads the Status of a process on Linux; on other systems the error
// wraps errors.ErrUnsupported. It wraps fs.ErrNotExist if there is no such
// process. A zombie catches no signals.
func ReadStatus(pid int) (Status, error) {
	s, err := readStatus(pid)
	return s, withPID(pid, err)
}

// SignalSet is a set of signals: signal N is bit N-1.
type SignalSet uint64

// Has reports whether the set contains a signal. It is false for an invalid
// one.
func (s SignalSet) Has(sig syscall.Signal) bool {
	return 1 <= sig && sig <= 64 && s>>(sig-1)&1 == 1
}

// PrintsToPipe reports whether the standard output or error of a process is a
// pipe or a socket. It is false if that is unknown, as on all systems except
// Linux.
func PrintsToPipe(pid int) bool { return printsToPipe(pid) }
