//go:build unix

package system

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/devports/devports/allocator/envvar"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// processSet holds the processes that one run has started, with everything they
// start.
//
// It reaps all of them in one place when the kernel signals SIGCHLD: a blocking
// wait for each process would take a thread, which costs more than the rest of
// a service.
type processSet struct {
	mark        proctree.Mark
	dedicated   bool         // this process starts no others
	leftRunning func(Orphan) // called with each process that is left running; must not block
	watchdog    *watchdog    // nil for none

	snapshots   proctree.Snapshots
	preexisting map[process.ID]bool // the descendants of this process before the run
	groups      sync.Map            // of *group by pid; those that may not be empty

	ambiguous atomic.Bool // an orphan without a mark may be the child of a process outside the run
	tagging   sync.Mutex  // held while this process has the tag of another

	spawning sync.RWMutex // read-locked while a process is spawned, locked while the dead are reaped
	children sync.Map     // of chan<- Exit by pid; processes that were spawned and not yet reaped

	mu              sync.Mutex                    // guards the fields below
	orphans         []int                         // pids of adopted orphans that were alive when reap was called last
	searched        []int                         // the orphans at the last call of findOutside
	searchAgain     bool                          // they had changed
	outsideSeen     map[process.ID]outsideProcess // processes outside the run that services have started
	outsidePrograms []string                      // names of outside programs besides the built-in ones
}

// outsideProcess is a process outside the run that a service has started.
type outsideProcess struct {
	service  string // the service that started it
	reported bool   // it was reported as left running
}

// newProcessSet returns the set of a run. With an empty instance, processes get
// no mark. early is nil for none.
func newProcessSet(instance string, dedicated bool, early *EarlyWatchdog) *processSet {
	s := &processSet{dedicated: dedicated, outsideSeen: map[process.ID]outsideProcess{}}
	if early != nil {
		s.preexisting = early.preexisting
	} else {
		s.preexisting = descendants(os.Getpid())
	}
	if instance != "" {
		s.mark = MarkOf(instance)
	}
	return s
}

// startReaper starts to reap children, until stop is called.
func (s *processSet) startReaper() (stop func()) {
	adoptOrphans()
	untag := s.tagLauncher()
	died, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(died, unix.SIGCHLD)
	var reaper sync.WaitGroup
	reaper.Go(func() {
		for {
			select {
			case <-died:
				s.reap()
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

// holdSignals delays signals until release is called.
func (s *processSet) holdSignals() (release func()) { return s.snapshots.Hold() }

// setOutsidePrograms sets the names of outside programs besides the built-in
// ones.
func (s *processSet) setOutsidePrograms(names []string) {
	s.mu.Lock()
	s.outsidePrograms = names
	s.mu.Unlock()
	s.watchdog.setOutsidePrograms(names)
}

func (s *processSet) outside() outside {
	s.mu.Lock()
	defer s.mu.Unlock()
	return outside{s.outsidePrograms}
}

// tagLauncher gives this process the tag of the run, until untag is called.
func (s *processSet) tagLauncher() (untag func()) {
	if s.mark.Run == 0 || !s.dedicated {
		return func() {}
	}
	s.tagging.Lock() // the watchdog may be being spawned
	defer s.tagging.Unlock()
	before, err := process.TagOf(0)
	if err != nil || s.mark.Run.Attach(0) != nil {
		return func() {}
	}
	return func() { _ = before.Attach(0) }
}

// startTagged is os.StartProcess for a process with a tag. In a dedicated
// process, the child inherits the tag, and so do its children from the start.
// For that, processes are spawned one at a time, which costs a fifth of the
// time that many take. If each got its tag just after its start, it would have
// none for milliseconds if more of them start than there are processors: time
// enough for a daemon to fork twice and clear its environment.
func (s *processSet) startTagged(tag process.Tag, path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	if s.mark.Run == 0 {
		return os.StartProcess(path, argv, attr)
	}
	if !s.dedicated {
		p, err := os.StartProcess(path, argv, attr)
		if err == nil {
			_ = tag.Attach(p.Pid)
		}
		return p, err
	}
	s.tagging.Lock()
	defer s.tagging.Unlock()
	if tag.Attach(0) == nil { // otherwise the environment has to do
		defer func() { _ = s.mark.Run.Attach(0) }()
	}
	return os.StartProcess(path, argv, attr)
}

// start starts a process for a service as the leader of a group, or of a
// session with a terminal. It first waits until the watchdog has started, which
// ends the process if this one is killed.
func (s *processSet) start(service, path string, argv []string, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	s.watchdog.wait()
	pid, exit, err := s.spawn(s.mark.Run.Service(service), path, argv, attr)
	if err != nil {
		return nil, nil, err
	}
	s.watchdog.add(pid)
	g := newGroup(pid, service, s, attr.Sys.Setsid)
	s.groups.Store(pid, g)
	return g, exit, nil
}

func (s *processSet) spawn(tag process.Tag, path string, argv []string, attr *os.ProcAttr) (pid int, exit <-chan Exit, err error) {
	s.spawning.RLock()
	defer s.spawning.RUnlock()
	p, err := s.startTagged(tag, path, argv, attr)
	if err != nil {
		return 0, nil, err
	}
	exitCh := make(chan Exit, 1)
	pid = p.Pid // Release clears it
	s.children.Store(pid, exitCh)
	return pid, exitCh, p.Release() // reap waits for the process
}

// startOutside starts a process outside the run.
func (s *processSet) startOutside(path string, argv []string) (exited <-chan Exit, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	s.setAmbiguous()
	_, exited, err = s.spawn(process.Outside, path, argv, &os.ProcAttr{
		Env:   append(os.Environ(), envvar.Outside+"=1"),
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return exited, err
}

// killChild sends SIGKILL to a child, unless it has been reaped: then its pid
// may be reused.
func (s *processSet) killChild(pid int) {
	s.spawning.RLock() // prevents reaping meanwhile
	defer s.spawning.RUnlock()
	if _, own := s.children.Load(pid); own {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}
