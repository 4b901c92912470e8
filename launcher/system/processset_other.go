//go:build unix && !linux

package system

import (
	"context"
	"os"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans does nothing: only Linux lets a process take orphans in.
// Elsewhere init has them, and reaps them.
func adoptOrphans() {}

// below is empty: where orphans are not adopted, only what is marked is ended.
func descendants(int) map[process.ID]bool { return nil }

func (s *processSet) adopted() ([]int, error) { return nil, nil }

func (s *processSet) owns(pid int) bool { return s.mark.On(pid) }

// waitForAny does nothing: all children were made, by whichever part of the
// program.
func waitForAny(func(int, Exit)) bool { return false }

func (s *processSet) mayHaveOrphans() bool { return true }

// orphansIn are the processes that carry the marks of the service. None is
// adopted, so that ended does not matter.
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

// killRest ends whatever still carries the mark of this run, and returns what
// that was.
func (s *processSet) killRest(ctx context.Context, grace time.Duration) (rest, spared []Orphan) {
	if s.mark.Variable == "" {
		return nil, nil
	}
	return endProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		ours, _ := s.outside().split(t, t.Marked(s.mark), s.inGroup)
		return ours
	}, grace), nil
}
