package launcher

import (
	"context"
	"slices"
	"strings"
	"time"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// Left is a process that was found where none should be any more.
type Left struct {
	PID     int
	Service string // as its environment has it; "" if that does not tell
	Command string
}

// EndLeft ends what a run that was killed has left, known by its
// [Options.Instance], and returns what that was. Each process gets a signal and
// that time to end by itself. What has cleared its environment is not found, nor
// what belongs to another user.
func EndLeft(instance string, grace time.Duration) []Left {
	ctx, cancel := context.WithTimeout(context.Background(), grace+killTimeout)
	defer cancel()
	return endAll(ctx, startedBy(instance), grace)
}

// FindStarted returns what lives of all that a run has started, also one that is
// dead: what EndLeft would end.
func FindStarted(instance string) []Left {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	var found []Left
	for _, p := range startedBy(instance)(tree) {
		found = append(found, leftOf(p))
	}
	return found
}

// startedBy finds what the run has started, and all that is below that.
func startedBy(instance string) func(proctree.Tree) []proctree.Process {
	f := family{instance: instance}
	return func(t proctree.Tree) []proctree.Process { return withDescendants(t, t.Marked(f.variable())) }
}

func leftOf(p proctree.Process) Left { return Left{p.PID, serviceOf(p.PID), proc.Command(p.PID)} }

// endAll is proctree.End, and tells what the processes were.
func endAll(ctx context.Context, find func(proctree.Tree) []proctree.Process, grace time.Duration) []Left {
	were := map[proc.ID]Left{}
	ended, _ := proctree.End(ctx, func(t proctree.Tree) []proctree.Process {
		found := find(t)
		for _, p := range found {
			if _, known := were[p.ID]; !known {
				were[p.ID] = leftOf(p)
			}
		}
		return found
	}, terminateSignal, grace)
	var left []Left
	for _, p := range ended {
		left = append(left, were[p.ID])
	}
	return left
}

// withDescendants returns the processes and all that are below them.
func withDescendants(t proctree.Tree, roots []proctree.Process) []proctree.Process {
	var pids []int
	for _, p := range roots {
		pids = append(pids, p.PID)
	}
	return append(slices.Clone(roots), t.Below(pids...)...)
}

func serviceOf(pid int) string {
	env, _ := proc.Environ(pid)
	for _, entry := range env {
		if name, ok := strings.CutPrefix(entry, "DEVPORTS_SERVICE="); ok {
			return name
		}
	}
	return ""
}
