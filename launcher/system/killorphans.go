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

// Orphan is a process that has outlived its service or its run.
type Orphan struct {
	PID     int
	Service string // according to its environment; "" if unknown
	Command string
	Err     error // why it survived; nil if it has ended, or was not to end
}

// KillOrphans kills the processes that a killed run has left, and returns them.
// instance is the run's [Options.ID]. Each process gets a signal and has grace
// to exit before it is killed. names are programs that outlive a run, as in
// [procfile.Plan]. Processes of other users cannot be killed.
func KillOrphans(instance string, grace time.Duration, names ...string) []Orphan {
	ctx, cancel := context.WithTimeout(context.Background(), grace+KillTimeout)
	defer cancel()
	return killProcesses(ctx, startedBy(instance, names), grace)
}

// FindProcesses returns the live processes that a run has started, even if the
// run has ended: those that KillOrphans would kill.
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

// startedBy returns a function that finds the processes that a run has started,
// and their descendants.
func startedBy(instance string, names []string) func(proctree.Tree) []proctree.Process {
	return func(t proctree.Tree) []proctree.Process {
		ours, _ := outside{names}.split(t, t.Marked(MarkOf(instance)), notInGroup)
		return ours
	}
}

func orphanOf(p proctree.Process) Orphan {
	return Orphan{PID: p.PID, Service: serviceOf(p.PID), Command: process.Command(p.PID)}
}

// killProcesses is proctree.Kill, but returns descriptions of the processes.
func killProcesses(ctx context.Context, find func(proctree.Tree) []proctree.Process, grace time.Duration) []Orphan {
	were := map[process.ID]Orphan{}
	met, _ := proctree.Kill(ctx, func(t proctree.Tree) []proctree.Process {
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

// errSurvived is why an orphan survived though it could be signalled.
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
