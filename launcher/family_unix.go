//go:build unix

package launcher

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/devports/devports/allocator/envvar"

	"golang.org/x/sys/unix"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// family are the processes that one run has made, with all that they start.
//
// It waits for all of them at one place, when the kernel says that a child has
// ended: a thread for each, which a wait takes that blocks, would cost more
// than the rest of a service.
type family struct {
	mark     proctree.Mark
	alone    bool // this process makes no others
	outside  outside
	spared   func(Left) // called for each process that is left running; must not block
	watchdog *watchdog  // nil for none

	snapshots  proctree.Snapshots
	bystanders map[proc.ID]bool // what was below this process before the run; set by gather
	groups     sync.Map         // of *group by its pid, those that are not known to be empty

	making sync.RWMutex // read-held while a process is made, held while the dead are waited for
	own    sync.Map     // of chan<- Exit by the pid of each process that was made and not yet waited for

	mu      sync.Mutex       // guards what follows
	orphans []int            // pids of what lost its parent and was adopted, and lived when the last child had died
	told    map[proc.ID]bool // of those spared
}

// newFamily returns the family of a run that is named by instance; "" is for one
// that marks nothing.
func newFamily(instance string, alone bool, names []string) *family {
	f := &family{alone: alone, outside: outside{names}, told: map[proc.ID]bool{}}
	if instance != "" {
		f.mark = markOf(instance)
	}
	return f
}

// gather begins to wait for children, until the function that it returns is
// called.
func (f *family) gather() (scatter func()) {
	adoptOrphans()
	f.bystanders = below(os.Getpid())
	untag := f.tagLauncher()
	died, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(died, unix.SIGCHLD)
	var reaper sync.WaitGroup
	reaper.Go(func() {
		for {
			select {
			case <-died:
				f.reap()
			case <-done:
				return
			}
		}
	})
	return func() {
		signal.Stop(died)
		close(done)
		reaper.Wait()
		untag()
	}
}

// tagLauncher gives this process the tag of the run, so that what it makes has
// it from the first moment.
func (f *family) tagLauncher() (untag func()) {
	if f.mark.Run == 0 || !f.alone {
		return func() {}
	}
	before, err := proc.TagOf(0)
	if err != nil || f.mark.Run.Attach(0) != nil {
		return func() {}
	}
	return func() { _ = before.Attach(0) }
}

// start makes a process for a service, which leads a group, or a session with
// a terminal. It waits until the guard is there, which is to end it should this
// process be killed.
func (f *family) start(service, path string, argv []string, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	f.watchdog.wait()
	pid, exit, err := f.make(path, argv, attr)
	if err != nil {
		return nil, nil, err
	}
	if f.mark.Run != 0 {
		_ = f.mark.Run.Service(service).Attach(pid) // or else the environment has to do
	}
	f.watchdog.add(pid)
	g := newGroup(pid, service, f, attr.Sys.Setsid)
	f.groups.Store(pid, g)
	return g, exit, nil
}

func (f *family) make(path string, argv []string, attr *os.ProcAttr) (pid int, exit <-chan Exit, err error) {
	f.making.RLock()
	defer f.making.RUnlock()
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return 0, nil, err
	}
	came := make(chan Exit, 1)
	pid = p.Pid // which Release forgets
	f.own.Store(pid, came)
	return pid, came, p.Release() // reap waits for it
}

// startOutside makes a process that is left alone at the end.
func (f *family) startOutside(path string, argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	pid, _, err := f.make(path, argv, &os.ProcAttr{
		Env:   append(os.Environ(), envvar.Outside+"=1"),
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err == nil {
		_ = proc.Released.Attach(pid)
	}
	return err
}

// reap waits for all that have died, own or adopted.
func (f *family) reap() {
	f.making.Lock()
	exits := map[chan Exit]Exit{}
	deliver := func(pid int, exit Exit) {
		if came, ok := f.own.LoadAndDelete(pid); ok {
			exits[came.(chan Exit)] = exit
		}
	}
	f.own.Range(func(pid, _ any) bool {
		var status unix.WaitStatus
		switch got, err := unix.Wait4(pid.(int), &status, unix.WNOHANG, nil); {
		case err != nil && err != unix.EINTR: // another part of the program has waited for it
			deliver(pid.(int), Exit{Status: 126, Err: fmt.Errorf("waiting for it: %w", err)})
		case got > 0:
			deliver(got, exitOf(status))
		}
		return true
	})
	// Only now: what those have left has come to this process before they could
	// be waited for.
	orphans, err := f.adopted()
	if err != nil {
		f.reapGroups(deliver)
	}
	orphans = slices.DeleteFunc(orphans, func(pid int) bool {
		got, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil)
		return got == pid
	})
	f.mu.Lock()
	f.watchdog.update(f.orphans, slices.DeleteFunc(slices.Clone(orphans), func(pid int) bool { return !f.owns(pid) }))
	f.orphans = orphans
	f.mu.Unlock()
	f.making.Unlock()
	for came, exit := range exits {
		came <- exit
	}
}

// reapGroups waits for the dead of each group, where the system does not list
// the children of a process: they would keep the group alive.
func (f *family) reapGroups(deliver func(int, Exit)) {
	f.groups.Range(func(group, _ any) bool {
		for {
			var status unix.WaitStatus
			got, err := unix.Wait4(-group.(int), &status, unix.WNOHANG, nil)
			if got <= 0 || err != nil {
				return true
			}
			deliver(got, exitOf(status))
		}
	})
}

func exitOf(status unix.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{
			Status: 128 + int(status.Signal()),
			Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"),
		}
	}
	return Exit{Status: status.ExitStatus()}
}

// strays are the processes of a service that are in no group of its own: they
// called setsid, or daemonized. They can be told once the service's process has
// ended. out are those that are outside the run.
func (f *family) strays(service string) (ours, out []proctree.Process) {
	// What is known of orphans is as of the last death of a child. If one has
	// ended since, what it had started is an orphan now.
	for fresh := false; f.mark.Variable != "" && f.mayHaveStrays(); fresh = true {
		tree, err := f.snapshots.Take()
		if err != nil {
			return nil, nil
		}
		if ours, out = f.straysIn(tree, service); len(ours) > 0 || fresh {
			break
		}
		f.reap()
	}
	return ours, out
}

// tagAll gives what services have started before they got their tags the tags
// of their services.
func (f *family) tagAll() {
	if tree, err := f.snapshots.Take(); err == nil {
		f.groups.Range(func(_, g any) bool {
			g.(*group).tag(tree)
			return true
		})
	}
}

// marked reports whether a process belongs to a service of the run.
func (f *family) marked(pid int, service string) bool {
	if tag, err := proc.TagOf(pid); err == nil && tag.HasService() {
		return tag == f.mark.Run.Service(service)
	}
	env, err := proc.Environ(pid)
	return err == nil && slices.Contains(env, f.mark.Variable) && slices.Contains(env, envvar.Service+"="+service)
}

// spare takes the run's tag off processes that are left running, and off all
// that is below them: it is theirs from now on. It returns those that it has not
// returned before.
func (f *family) spare(service string, out []proctree.Process) (fresh []Left) {
	for _, p := range out {
		f.mu.Lock()
		known := f.told[p.ID]
		f.told[p.ID] = true
		f.mu.Unlock()
		if known {
			continue
		}
		release(p)
		l := leftOf(p)
		l.Service = service
		fresh = append(fresh, l)
	}
	return fresh
}

func release(p proctree.Process) {
	_ = proc.Released.Attach(p.PID)
	if tree, err := proctree.Snapshot(); err == nil {
		for _, p := range tree.Below(p.PID) {
			_ = proc.Released.Attach(p.PID)
		}
	}
}
