package system

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// KillRun kills a run that does not end on its own, and returns the processes
// that it had started. KillRun kills the launcher; then the watchdog ends the
// rest, including processes without a mark; then KillOrphans ends what is left.
// If the launcher cannot be signalled, KillRun fails and kills nothing.
func KillRun(launcher process.ID, instance string, grace time.Duration, names ...string) ([]Orphan, error) {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil, err
	}
	watchdogs := tree.Where(func(p proctree.Process) bool {
		return p.Parent == launcher.PID && IsWatchdog(strings.Fields(process.Command(p.PID)))
	})
	started := FindProcesses(instance, names...)
	if err := launcher.Signal(syscall.SIGKILL); err != nil {
		return nil, err
	}
	for _, p := range watchdogs {
		proctree.Resume(p.ID) // it may have been suspended together with the launcher
	}
	_ = proctree.Wait(context.Background(), append(watchdogs, proctree.Process{ID: launcher}), KillTimeout)
	for _, p := range watchdogs {
		_ = p.Signal(syscall.SIGKILL)
	}
	for _, o := range KillOrphans(instance, grace, names...) {
		i := slices.IndexFunc(started, func(s Orphan) bool { return s.PID == o.PID })
		if i < 0 {
			started = append(started, o)
		} else {
			started[i].Err = o.Err
		}
	}
	return started, nil
}
