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

// adoptOrphans has processes that lose their parent become children of this one
// instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER). So nothing gets out of
// sight by forking twice; and where init does not reap, as in many containers,
// a dead grandchild would keep its process group alive for ever.
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // there since Linux 3.4
}

// below are the processes below one; nil if there are none, which is cheap to
// find out.
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

// adopted are the pids of children that this run has not made.
func (s *processSet) adopted() ([]int, error) {
	pids, err := proctree.Children(os.Getpid())
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

// waitForAny waits for the dead among all children: where the run is alone, those
// that it has not made were adopted, or are bystanders that no other process can
// wait for.
func waitForAny(deliver func(int, Exit)) bool {
	waitFor(-1, deliver)
	return true
}

// orphansIn are the orphans of a service in a snapshot, with all that is below
// them. ended is true if one has ended since, so that it could not be asked for
// its marks: it may have started another.
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

// owns reports whether an orphan comes from this run. Where nothing was below
// this process before the run, and what is outside has tags, all do that carry no
// other mark: some clear their environment, or get it cleared by sudo.
func (s *processSet) owns(pid int) bool {
	if s.mark.On(pid) {
		return true
	}
	tag, err := process.TagOf(pid)
	return s.dedicated && len(s.bystanders) == 0 && !s.ambiguous.Load() && err == nil && tag == 0 && !markedOutside(pid)
}

// killRest ends whatever is left of the run below this process. It returns what
// that was, and what it has spared.
func (s *processSet) killRest(ctx context.Context, grace time.Duration) (rest, spared []Orphan) {
	s.reap()
	if !s.mayHaveOrphans() {
		return nil, nil
	}
	rest = endProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		roots := t.Where(func(p proctree.Process) bool {
			_, own := s.children.Load(p.PID) // the watchdog
			return p.Parent == os.Getpid() && !own && s.owns(p.PID)
		})
		ours, out := s.outside().split(t, roots, s.inGroup)
		for _, p := range out {
			spared = append(spared, s.spare(serviceOf(p.PID), []proctree.Process{p})...)
		}
		return ours
	}, grace)
	return rest, spared
}
