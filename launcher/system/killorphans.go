package system

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// Orphan is a process that was found where none should be any more.
type Orphan struct {
	PID     int
	Service string // as its environment has it; "" if that does not have it
	Command string
	Err     error // why it could not be ended; nil if it has been, or was not to be
}

// KillOrphans ends what a run that was killed has left, known by its
// [Options.Instance], and returns what that was. Each process gets a signal and
// that time to end by itself. names are programs that outlive a run, as in
// [procfile.Plan]. What belongs to another user cannot be ended.
func KillOrphans(instance string, grace time.Duration, names ...string) []Orphan {
	ctx, cancel := context.WithTimeout(context.Background(), grace+KillTimeout)
	defer cancel()
	return endProcesses(ctx, startedBy(instance, names), grace)
}

// FindStarted returns what lives of all that a run has started, also one that is
// dead: what KillOrphans would end.
func FindProcesses(instance string, names ...string) []Orphan {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	var found []Orphan
	for _, p := range startedBy(instance, names)(tree) {
		found = append(found, orphanOf(p))
	}
	return found
}

// startedBy finds what the run has started, and all that is below that.
func startedBy(instance string, names []string) func(proctree.Tree) []proctree.Process {
	return func(t proctree.Tree) []proctree.Process {
		ours, _ := outside{names}.split(t, t.Marked(MarkOf(instance)), notInGroup)
		return ours
	}
}

func orphanOf(p proctree.Process) Orphan {
	return Orphan{PID: p.PID, Service: serviceOf(p.PID), Command: process.Command(p.PID)}
}

// endProcesses is proctree.End, and returns what the processes were.
func endProcesses(ctx context.Context, find func(proctree.Tree) []proctree.Process, grace time.Duration) []Orphan {
	were := map[process.ID]Orphan{}
	met, _ := proctree.End(ctx, func(t proctree.Tree) []proctree.Process {
		found := find(t)
		for _, p := range found {
			if _, known := were[p.ID]; !known {
				were[p.ID] = orphanOf(p)
			}
		}
		return found
	}, terminateSignal, grace)
	var left []Orphan
	for _, p := range met {
		l := were[p.ID]
		if p.Alive() {
			l.Err = cmp.Or(p.Signal(0), errSurvived)
		}
		left = append(left, l)
	}
	return left
}

// errOutlived says of a process that even SIGKILL has not ended it in time.
var errSurvived = errors.New("it survived SIGKILL")

func serviceOf(pid int) string {
	env, _ := process.Environ(pid)
	for _, entry := range env {
		if name, ok := strings.CutPrefix(entry, envvar.Service+"="); ok {
			return name
		}
	}
	return ""
}
