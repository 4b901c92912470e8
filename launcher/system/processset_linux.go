package system

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans makes this process the parent of orphaned descendants instead of
// init (prctl(2), PR_SET_CHILD_SUBREAPER). So no process escapes by forking
// twice; and where init does not reap, as in many containers, a dead grandchild
// does not keep its process group alive forever.
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // since Linux 3.4
}

// descendants returns the descendants of a process; nil for none, which is the
// cheap case.
func descendants(pid int) map[process.ID]bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if errors.Is(err, unix.ECHILD) {
		return nil
	}
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	ids := map[process.ID]bool{}
	for _, p := range tree.Below(pid) {
		ids[p.ID] = true
	}
	return ids
}

// adopted returns the pids of children that this run has not started. In a
// process that is not dedicated to the run, these include those of
// startOutside, which belong to any thread.
func (s *processSet) adopted() ([]int, error) {
	list := proctree.Adopted
	if !s.dedicated {
		list = proctree.Children
	}
	pids, err := list(os.Getpid())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(pids, func(pid int) bool {
		_, own := s.children.Load(pid)
		return own
	}), nil
}

func (s *processSet) mayHaveOrphans() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orphans) > 0
}

// waitForAny reaps all dead children: in a dedicated process, those that it has
// not started were adopted, or existed before the run, and no other process can
// reap them.
func waitForAny(deliver func(int, Exit)) bool {
	waitFor(-1, deliver)
	return true
}

// orphansIn returns the orphans of a service in a snapshot, with their
// descendants. ended reports that a possible orphan has ended before its marks
// could be read: it may have started another process.
func (s *processSet) orphansIn(tree proctree.Tree, service string) (ours, out []proctree.Process, ended bool) {
	roots := tree.Where(func(p proctree.Process) bool {
		_, own := s.children.Load(p.PID)
		if own || p.Parent != os.Getpid() {
			return false
		}
		marked := s.marked(p.PID, service)
		ended = ended || !p.Alive()
		return marked
	})
	ours, out = s.outside().split(tree, roots, s.inGroup)
	return ours, out, ended
}

// owns reports whether an orphan comes from this run. If this process had no
// descendants before the run, and processes outside the run have tags, every
// orphan without another mark does: some clear their environment, as does sudo.
func (s *processSet) owns(pid int) bool {
	if s.mark.On(pid) {
		return true
	}
	tag, err := process.TagOf(pid)
	return s.dedicated && len(s.preexisting) == 0 && !s.ambiguous.Load() && err == nil && tag == 0 && !markedOutside(pid)
}

// killOrphans kills the orphans that are left of the run. It returns these, and
// the processes outside the run that it left running.
func (s *processSet) killOrphans(ctx context.Context, grace time.Duration) (killed, leftRunning []Orphan) {
	s.reap()
	if !s.mayHaveOrphans() {
		return nil, nil
	}
	killed = killProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		roots := t.Where(func(p proctree.Process) bool {
			_, own := s.children.Load(p.PID) // a child is the watchdog
			return p.Parent == os.Getpid() && !own && s.owns(p.PID)
		})
		ours, out := s.outside().split(t, roots, s.inGroup)
		for _, p := range out {
			leftRunning = append(leftRunning, s.leaveRunning(serviceOf(p.PID), []proctree.Process{p})...)
		}
		return ours
	}, grace)
	return killed, leftRunning
}
