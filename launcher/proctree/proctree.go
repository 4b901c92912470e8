// Package proctree finds the processes that another has started, and ends them.
//
// A process gets away from its parent in three ways: by a session of its own
// (setsid), by the end of the processes between (a daemon forks twice), and by
// forking while it is being ended. Below finds the first, and the second where
// the caller is a child subreaper, prctl(2). Marked finds all that were started
// with a certain variable, whoever their parent is by now. End looks again until
// nothing is found.
package proctree

import (
	"fmt"

	"github.com/devports/devports/allocator/process"
)

// Process is what a snapshot has of a process.
type Process = process.Stat

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
