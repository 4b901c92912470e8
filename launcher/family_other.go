//go:build unix && !linux

package launcher

import (
	"context"
	"os"
	"time"

	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans does nothing: only Linux lets a process take orphans in.
// Elsewhere init has them, and reaps them.
func adoptOrphans() {}

func (f *family) adopted() []int { return nil }

func (f *family) mayHaveStrays() bool { return true }

// straysIn are the processes that carry the marks of the service.
func (f *family) straysIn(tree proctree.Tree, service string) []proctree.Process {
	var found []proctree.Process
	for _, p := range tree.Marked(f.variable()) {
		if f.marked(p.PID, service) && p.PID != os.Getpid() {
			found = append(found, p)
		}
	}
	return found
}

// endRest ends whatever still carries the mark of this run, and returns what
// that was.
func (f *family) endRest(ctx context.Context, grace time.Duration) []Left {
	if f.instance == "" {
		return nil
	}
	return endAll(ctx, func(t proctree.Tree) []proctree.Process { return t.Marked(f.variable()) }, grace)
}
