package launcher

import (
	"context"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/launcher/proctree"
)

// adoptOrphans has processes that lose their parent become children of this one
// instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER). So nothing gets out of
// sight by forking twice; and where init does not reap, as in many containers,
// a dead grandchild would keep its process group alive for ever.
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // there since Linux 3.4
}

// adopted are the pids of children that this run has not made.
func (f *family) adopted() []int {
	pids, err := proctree.Children(os.Getpid())
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(pids, func(pid int) bool {
		_, own := f.own.Load(pid)
		return own
	})
}

func (f *family) mayHaveStrays() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.orphans) > 0
}

// straysIn are those orphans that carry the marks of the service, with all that
// is below them.
func (f *family) straysIn(tree proctree.Tree, service string) []proctree.Process {
	f.mu.Lock()
	orphans := slices.Clone(f.orphans)
	f.mu.Unlock()
	orphans = slices.DeleteFunc(orphans, func(pid int) bool { return !f.marked(pid, service) })
	roots := tree.Where(func(p proctree.Process) bool { return slices.Contains(orphans, p.PID) && p.Parent == os.Getpid() })
	return append(roots, tree.Below(orphans...)...)
}

// endRest ends whatever is still below this process, which has made nothing but
// this run's: also what has hidden its marks. It returns what that was.
func (f *family) endRest(ctx context.Context, grace time.Duration) []Left {
	f.reap()
	if !f.mayHaveStrays() {
		return nil
	}
	return endAll(ctx, func(t proctree.Tree) []proctree.Process {
		return slices.DeleteFunc(t.Below(os.Getpid()), func(p proctree.Process) bool {
			_, own := f.own.Load(p.PID) // the guard
			return own || isOutside(p.PID)
		})
	}, grace)
}
