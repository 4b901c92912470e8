//go:build unix && !linux

package launcher

import (
	"context"
	"os"
	"time"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans does nothing: only Linux lets a process take orphans in.
// Elsewhere init has them, and reaps them.
func adoptOrphans() {}

// below is empty: where orphans are not adopted, only what is marked is ended.
func below(int) map[proc.ID]bool { return nil }

func (f *family) adopted() ([]int, error) { return nil, nil }

func (f *family) owns(pid int) bool { return f.mark.On(pid) }

func (f *family) mayHaveStrays() bool { return true }

// straysIn are the processes that carry the marks of the service.
func (f *family) straysIn(tree proctree.Tree, service string) (ours, out []proctree.Process) {
	var roots []proctree.Process
	for _, p := range tree.Marked(f.mark) {
		if f.marked(p.PID, service) && p.PID != os.Getpid() {
			roots = append(roots, p)
		}
	}
	return f.outside.split(tree, roots, notInGroup)
}

// endRest ends whatever still carries the mark of this run, and returns what
// that was.
func (f *family) endRest(ctx context.Context, grace time.Duration) (rest, spared []Left) {
	if f.mark.Variable == "" {
		return nil, nil
	}
	return endAll(ctx, func(t proctree.Tree) []proctree.Process {
		ours, _ := f.outside.split(t, t.Marked(f.mark), notInGroup)
		return ours
	}, grace), nil
}
