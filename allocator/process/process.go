// Package process identifies a process, and reads what the system knows of it.
//
// A PID is reused once its process has been waited for. So a process is
// identified by an ID, its PID and the time at which it started, and none is
// signalled that is not the one that was found.
//
// On Linux everything is read from /proc, proc(5), without what os.ReadFile and
// fmt do for files in general: a snapshot of all processes and each request to a
// port server go through here. Where a system has no answer, the error wraps
// errors.ErrUnsupported.
//
// All functions, and the methods of an ID, may be called at the same time.
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// ID identifies a process: a PID alone is reused.
type ID struct {
	PID int `json:"pid"`
	// Start is when it started, in the system's own unit: on Linux clock ticks
	// since the boot, elsewhere nanoseconds of Unix time. It is only good for
	// comparison on the same machine since its last boot.
	Start int64 `json:"start"`
}

// Stat is what the system returns of a process in one answer.
type Stat struct {
	ID
	// Parent is the process that would wait for it: not the one that started it
	// if that has ended, except on Windows, where only a snapshot has it.
	Parent int
	// Group and Session are 0 on Windows.
	Group, Session int
	// Terminal is the device number of the controlling terminal, and Foreground
	// the process group that this terminal lets read. Both are 0 without one, and
	// on Windows.
	Terminal   uint64
	Foreground int
	// Zombie is a process of which only its exit status is left.
	Zombie bool
	// Stopped is a process that was stopped by a signal.
	Stopped bool
}

// Find returns the ID of the process that has the PID now. The error wraps
// fs.ErrNotExist if there is none. A zombie still has its PID, except on Windows.
func Find(pid int) (ID, error) {
	s, err := ReadStat(pid)
	return s.ID, err
}

// ReadStat reads the Stat of one process. The error wraps fs.ErrNotExist if there
// is no such process; with any other error, there may be.
func ReadStat(pid int) (Stat, error) {
	if pid < 0 {
		return Stat{}, about(pid, fs.ErrNotExist)
	}
	s, err := readStat(pid)
	return s, about(pid, err)
}

// Alive is false once the process has ended, be it a zombie, be its PID
// another's now. It is true where the system has no answer.
func (id ID) Alive() bool { return !errors.Is(id.check(), os.ErrProcessDone) }

// Exists is Alive, but true also of a zombie: its parent has not waited for it
// yet.
func (id ID) Exists() bool {
	now, err := Find(id.PID)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return now == id
}

// Signal returns os.ErrProcessDone if the process has ended, and
// errors.ErrUnsupported if the system does not have the signal: Windows has
// none but SIGKILL.
//
// On Linux no other process can be hit. Where the system has no pidfd_open(2), or
// a container forbids it, and on macOS, the PID would have to be reused between
// two system calls.
func (id ID) Signal(sig syscall.Signal) error {
	if id.PID < 1 { // to kill(2) these are groups, or everybody
		return os.ErrProcessDone
	}
	return id.signal(sig)
}

// check returns nil if the process lives, and os.ErrProcessDone if it does not.
func (id ID) check() error {
	s, err := ReadStat(id.PID)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (s.ID != id || s.Zombie) {
		return os.ErrProcessDone
	}
	return err
}

// Environ returns the environment with which the process was started, as
// NAME=value. The process may have written over it since. Another user's, on
// macOS that of a program that belongs to the system, and on Windows any, is not
// readable.
func Environ(pid int) ([]string, error) {
	environ, err := environ(pid)
	return environ, about(pid, err)
}

// Command returns the command line for messages, its arguments separated by a
// blank, or only the name if there is no more to see. It is empty if there is no
// such process.
func Command(pid int) string { return strings.TrimSpace(command(pid)) }

// Executable returns the path of the program that the process runs; its last
// element is the program's name. The file may have been removed or replaced
// since. Another user's is not readable.
func Executable(pid int) (string, error) {
	path, err := executable(pid)
	return path, about(pid, err)
}

func about(pid int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("process %d: %w", pid, err)
}
