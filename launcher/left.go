package launcher

import (
	"context"
	"slices"
	"strings"
	"time"

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
	f := family{instance: instance}
	ctx, cancel := context.WithTimeout(context.Background(), grace+killTimeout)
	defer cancel()
	return endAll(ctx, func(t proctree.Tree) []proctree.Process {
		return withDescendants(t, t.Marked(f.variable()))
	}, grace)
}

// endAll is proctree.End, and tells what the processes were.
func endAll(ctx context.Context, find func(proctree.Tree) []proctree.Process, grace time.Duration) []Left {
	were := map[proctree.ID]Left{}
	ended, _ := proctree.End(ctx, func(t proctree.Tree) []proctree.Process {
		found := find(t)
		for _, p := range found {
			if _, known := were[p.ID]; !known {
				were[p.ID] = Left{p.PID, serviceOf(p.PID), proctree.Command(p.PID)}
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
	env, _ := proctree.Environ(pid)
	for _, entry := range env {
		if name, ok := strings.CutPrefix(entry, "DEVPORTS_SERVICE="); ok {
			return name
		}
	}
	return ""
}
