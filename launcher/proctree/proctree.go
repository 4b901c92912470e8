// Package proctree finds the processes that another one has started, and ends
// them.
//
// A process can escape its parent in three ways: by creating a session (setsid),
// by the exit of the processes between them (a daemon forks twice), and by forking
// while it is being killed. Below finds the first, and the second if the caller is
// a child subreaper, see prctl(2). Marked finds all processes that were started
// with a variable, whatever their parent is now. Kill repeats its search until it
// finds nothing.
package proctree

import (
	"fmt"

	"github.com/devports/devports/allocator/process"
)

// Process is an entry of a snapshot.
type Process = process.Stat

// Children returns the PIDs of the direct children of pid, including zombies. It
// may miss a child that starts, or whose sibling ends, during the call. On Linux it
// costs a few reads, elsewhere a snapshot.
func Children(pid int) ([]int, error) {
	children, err := children(pid)
	if err != nil {
		return nil, fmt.Errorf("children of process %d: %w", pid, err)
	}
	return children, nil
}
