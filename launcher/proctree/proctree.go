// Package proctree finds the processes that another has started, and ends them.
//
// A process gets away from its parent in three ways: by a session of its own
// (setsid), by the end of the processes between (a daemon forks twice), and by
// forking while it is being ended. Below finds the first, and the second where
// the caller is a child subreaper, prctl(2). Marked finds all that were started
// with a certain variable, whoever their parent is by now. End looks again until
// nothing is found.
//
// A PID is given again once its process has been waited for. So processes are
// named by an ID, and none is signalled that is not the one that was found.
package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// ID identifies a process: a PID alone is given again to another.
type ID struct {
	PID int `json:"pid"`
	// Start is when it started, in the system's own unit (on Linux ticks since
	// boot), only good for comparison on the same machine since its last boot.
	Start int64 `json:"start"`
}

// Find returns the ID of the process that has the PID now. The error wraps
// fs.ErrNotExist if there is none. A zombie still has its PID.
func Find(pid int) (ID, error) {
	p, err := find(pid)
	if err != nil {
		return ID{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return p.ID, nil
}

// Alive is false once the process has ended, be it a zombie, be its PID
// another's now. It is true where the system does not tell.
func (id ID) Alive() bool { return !errors.Is(id.check(), os.ErrProcessDone) }

// Signal returns os.ErrProcessDone if the process has ended, and
// errors.ErrUnsupported if the system does not have the signal: Windows has
// none but SIGKILL.
//
// On Linux no other process can be hit. Where the system has no pidfd_open(2), or
// a container forbids it, and on macOS, the PID would have to be given again
// between two system calls.
func (id ID) Signal(sig syscall.Signal) error {
	if id.PID < 1 { // to kill(2) these are groups, or everybody
		return os.ErrProcessDone
	}
	return id.signal(sig)
}

// check returns nil if the process lives, and os.ErrProcessDone if it does not.
func (id ID) check() error {
	p, err := find(id.PID)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (p.ID != id || p.Zombie) {
		return os.ErrProcessDone
	}
	return err
}

// Process is what a snapshot tells of a process.
type Process struct {
	ID
	// Parent is the process that would wait for it: not the one that started it
	// if that has ended, except on Windows.
	Parent int
	// Group and Session are 0 on Windows.
	Group, Session int
	// Zombie is a process of which nothing is left but its exit status.
	Zombie bool
}

// Environ returns the environment with which the process was started, as
// NAME=value. A process may have written over it since. Another user's, and on
// macOS that of a program that belongs to the system, is not told.
func Environ(pid int) ([]string, error) {
	environ, err := environ(pid)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return environ, nil
}

// Command returns the command line for messages, its arguments separated by a
// blank, or only the name if there is no more to see. It is empty if there is no
// such process.
func Command(pid int) string { return strings.TrimSpace(command(pid)) }

// Children returns the direct children, with the zombies that pid has not yet
// waited for. One that is started meanwhile, or whose sibling ends meanwhile, may
// be left out. On Linux it costs a few reads, elsewhere a snapshot.
func Children(pid int) ([]int, error) {
	children, err := children(pid)
	if err != nil {
		return nil, fmt.Errorf("children of process %d: %w", pid, err)
	}
	return children, nil
}
