package process

import "syscall"

// Status is what /proc/PID/status has beyond a Stat.
type Status struct {
	// User is the effective user ID.
	User int
	// Caught are the signals that the process handles, Ignored those that do
	// nothing to it, and Blocked those that its first thread lets wait. Any other
	// signal does to it what signal(7) says.
	Caught, Ignored, Blocked SignalSet
}

// ReadStatus is for Linux: elsewhere the error wraps errors.ErrUnsupported. It
// wraps fs.ErrNotExist if there is no such process. A zombie catches nothing.
func ReadStatus(pid int) (Status, error) {
	s, err := readStatus(pid)
	return s, about(pid, err)
}

// SignalSet is a set of signals: signal N is bit N-1.
type SignalSet uint64

// Has is false for what is no signal.
func (s SignalSet) Has(sig syscall.Signal) bool {
	return 1 <= sig && sig <= 64 && s>>(sig-1)&1 == 1
}

// PrintsToPipe reports whether the standard output or error of a process is a
// pipe or a socket, which another process reads. It is false where the system
// does not say, as everywhere but on Linux.
func PrintsToPipe(pid int) bool { return printsToPipe(pid) }
