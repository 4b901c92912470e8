package launcher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// Left is a process that was found where none should be any more.
type Left struct {
	PID     int
	Service string // as its environment has it; "" if that does not have it
	Command string
	Err     error // why it could not be ended; nil if it has been, or was not to be
}

// EndLeft ends what a run that was killed has left, known by its
// [Options.Instance], and returns what that was. Each process gets a signal and
// that time to end by itself. names are programs that outlive a run, as in
// [Options.Outside]. What belongs to another user cannot be ended.
func EndLeft(instance string, grace time.Duration, names ...string) []Left {
	ctx, cancel := context.WithTimeout(context.Background(), grace+killTimeout)
	defer cancel()
	return endAll(ctx, startedBy(instance, names), grace)
}

// FindStarted returns what lives of all that a run has started, also one that is
// dead: what EndLeft would end.
func FindStarted(instance string, names ...string) []Left {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	var found []Left
	for _, p := range startedBy(instance, names)(tree) {
		if isLauncher(p.PID, instance) {
			continue
		}
		found = append(found, leftOf(p))
	}
	return found
}

// startedBy finds what the run has started, and all that is below that.
func startedBy(instance string, names []string) func(proctree.Tree) []proctree.Process {
	return func(t proctree.Tree) []proctree.Process {
		ours, _ := outside{names}.split(t, t.Marked(markOf(instance)), notInGroup)
		return ours
	}
}

// isLauncher is true of the process of the run itself: it has no mark in its
// environment, and a tag without a service. What it starts is so for a moment,
// but for the mark.
func isLauncher(pid int, instance string) bool {
	tag, err := proc.TagOf(pid)
	if err != nil || tag != proc.RunTag(instance) {
		return false
	}
	env, err := proc.Environ(pid)
	return err == nil && !slices.Contains(env, markOf(instance).Variable)
}

func leftOf(p proctree.Process) Left {
	return Left{PID: p.PID, Service: serviceOf(p.PID), Command: proc.Command(p.PID)}
}

// endAll is proctree.End, and returns what the processes were.
func endAll(ctx context.Context, find func(proctree.Tree) []proctree.Process, grace time.Duration) []Left {
	were := map[proc.ID]Left{}
	met, _ := proctree.End(ctx, func(t proctree.Tree) []proctree.Process {
		found := find(t)
		for _, p := range found {
			if _, known := were[p.ID]; !known {
				were[p.ID] = leftOf(p)
			}
		}
		return found
	}, terminateSignal, grace)
	var left []Left
	for _, p := range met {
		l := were[p.ID]
		if p.Alive() {
			l.Err = cmp.Or(p.Signal(0), errOutlived)
		}
		left = append(left, l)
	}
	return left
}

// errOutlived says of a process that even SIGKILL has not ended it in time.
var errOutlived = errors.New("it does not end")

func serviceOf(pid int) string {
	env, _ := proc.Environ(pid)
	for _, entry := range env {
		if name, ok := strings.CutPrefix(entry, envvar.Service+"="); ok {
			return name
		}
	}
	return ""
}
