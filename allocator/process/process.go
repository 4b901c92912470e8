// Package process identifies processes, and reads their attributes from the
// system.
//
// The system reuses the PID of a process after its parent has waited for it. So
// an ID consists of the PID and the start time, and a signal never goes to
// another process with the same PID.
//
// On Linux the package reads /proc, proc(5), without the overhead of
// os.ReadFile and fmt: snapshots of all processes and each request to a port
// server use it. If a system does not support a function, the error wraps
// errors.ErrUnsupported.
//
// All functions, and the methods of an ID, may be called concurrently.
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// ID identifies a process even after its PID is reused.
type ID struct {
	PID int `json:"pid"`
	// Start is the start time in the system's own unit: on Linux clock ticks
	// since the boot, elsewhere nanoseconds of Unix time. It is comparable only
	// on the same machine and since its last boot.
	Start int64 `json:"start"`
}

// Stat is the basic status of a process.
type Stat struct {
	ID
	// Parent is the current parent: not the original one if that has ended,
	// except on Windows, where only ReadAll sets it.
	Parent int
	// Group and Session are 0 on Windows.
	Group, Session int
	// Terminal is the device number of the controlling terminal, and Foreground
	// the terminal's foreground process group. Both are 0 without a terminal,
	// and on Windows.
	Terminal   uint64
	Foreground int
	// Zombie reports that the process has ended and its parent has not waited
	// for it.
	Zombie bool
	// Stopped reports that a signal has stopped the process.
	Stopped bool
}

// Find returns the ID of the process that has the PID now. The error wraps
// fs.ErrNotExist if there is none. A zombie still has its PID, except on
// Windows.
func Find(pid int) (ID, error) {
	s, err := ReadStat(pid)
	return s.ID, err
}

// ReadStat reads the Stat of one process. The error wraps fs.ErrNotExist if
// there is no such process; after any other error, there may be one.
func ReadStat(pid int) (Stat, error) {
	if pid < 0 {
		return Stat{}, withPID(pid, fs.ErrNotExist)
	}
	s, err := readStat(pid)
	return s, withPID(pid, err)
}

// Alive reports whether the process has not ended. It is false for a zombie,
// and for a reused PID. It is true if the system has no answer.
func (id ID) Alive() bool { return !errors.Is(id.check(), os.ErrProcessDone) }

// Exists is Alive, but also true for a zombie, whose parent has not waited for
// it yet.
func (id ID) Exists() bool {
	now, err := Find(id.PID)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return now == id
}

// Signal sends a signal. It returns os.ErrProcessDone if the process has ended,
// and errors.ErrUnsupported if the system does not support the signal: Windows
// supports only SIGKILL.
//
// On Linux, the signal cannot reach another process. On macOS, and without
// pidfd_open(2), it could if the PID were reused between two system calls.
func (id ID) Signal(sig syscall.Signal) error {
	if id.PID < 1 { // to kill(2) these are process groups, or all processes
		return os.ErrProcessDone
	}
	return id.signal(sig)
}

// check returns nil if the process is alive, and os.ErrProcessDone if it has
// ended.
func (id ID) check() error {
	s, err := ReadStat(id.PID)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (s.ID != id || s.Zombie) {
		return os.ErrProcessDone
	}
	return err
}

// Environ returns the initial environment of the process, as NAME=value. The
// process may have overwritten it. It is not readable for processes of another
// user, on macOS for programs of the system, and on Windows for any process.
func Environ(pid int) ([]string, error) {
	environ, err := environ(pid)
	return environ, withPID(pid, err)
}

// Command returns the command line for messages, its arguments separated by
// spaces, or only the name if the arguments are not visible. It is "" if there
// is no such process.
func Command(pid int) string { return strings.TrimSpace(command(pid)) }

// Executable returns the path of the program that the process runs. The file
// may have been removed or replaced. The path is not readable for processes of
// another user.
func Executable(pid int) (string, error) {
	path, err := executable(pid)
	return path, withPID(pid, err)
}

func withPID(pid int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("process %d: %w", pid, err)
}
