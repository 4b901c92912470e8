//go:build unix && !linux

package system

import (
	"context"
	"os"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans does nothing: only Linux lets a process adopt orphans. Elsewhere
// init adopts and reaps them.
func adoptOrphans() {}

// descendants is empty: where orphans are not adopted, only marked processes
// are ended.
func descendants(int) map[process.ID]bool { return nil }

func (s *processSet) adopted() ([]int, error) { return nil, nil }

func (s *processSet) owns(pid int) bool { return s.mark.On(pid) }

// waitForAny does nothing: all children were started by this process, perhaps
// by another part of it.
func waitForAny(func(int, Exit)) bool { return false }

func (s *processSet) mayHaveOrphans() bool { return true }

// orphansIn returns the processes that have the mark of the service. ended is
// false, as no orphan is adopted.
func (s *processSet) orphansIn(tree proctree.Tree, service string) (ours, out []proctree.Process, ended bool) {
	var roots []proctree.Process
	for _, p := range tree.Marked(s.mark) {
		if s.marked(p.PID, service) && p.PID != os.Getpid() {
			roots = append(roots, p)
		}
	}
	ours, out = s.outside().split(tree, roots, s.inGroup)
	return ours, out, false
}

// killOrphans kills all processes with the mark of this run, and returns them.
func (s *processSet) killOrphans(ctx context.Context, grace time.Duration) (killed, leftRunning []Orphan) {
	if s.mark.Variable == "" {
		return nil, nil
	}
	return killProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		ours, _ := s.outside().split(t, t.Marked(s.mark), s.inGroup)
		return ours
	}, grace), nil
}
