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

// processSet are the processes that one run has made, with all that they start.
//
// It waits for all of them at one place, when the kernel says that a child has
// ended: a thread for each, which a wait takes that blocks, would cost more
// than the rest of a service.
type processSet struct {
	mark     proctree.Mark
	alone    bool         // this process makes no others
	spared   func(Orphan) // called for each process that is left running; must not block
	watchdog *watchdog    // nil for none

	snapshots  proctree.Snapshots
	bystanders map[process.ID]bool // what was below this process before the run
	groups     sync.Map            // of *group by its pid, those that are not known to be empty

	mixed   atomic.Bool // an orphan without any mark may be of what is outside
	tagging sync.Mutex  // held while this process has the tag of another

	making sync.RWMutex // read-held while a process is made, held while the dead are waited for
	own    sync.Map     // of chan<- Exit by the pid of each process that was made and not yet waited for

	mu      sync.Mutex              // guards what follows
	orphans []int                   // pids of what lost its parent and was adopted, and lived when the last child had died
	sighted map[process.ID]sighting // the processes outside that the services have started
	shared  []string                // names of programs that are left alone, beside those known
}

// sighting is what is known of a process outside.
type sighting struct {
	service string // that has started it
	told    bool   // that it goes on
}

// newProcessSet returns the set of a run that is named by instance; "" is for one
// that marks nothing.
func newProcessSet(instance string, alone bool) *processSet {
	s := &processSet{alone: alone, bystanders: below(os.Getpid()), sighted: map[process.ID]sighting{}}
	if instance != "" {
		s.mark = MarkOf(instance)
	}
	return s
}

// gather begins to wait for children, until the function that it returns is
// called.
func (s *processSet) gather() (scatter func()) {
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

// together has signals that are sent until begin is called be sent only then.
func (s *processSet) together() (begin func()) { return s.snapshots.Hold() }

// share sets the names of programs that are left alone, beside those known.
func (s *processSet) share(names []string) {
	s.mu.Lock()
	s.shared = names
	s.mu.Unlock()
	s.watchdog.share(names)
}

func (s *processSet) outside() outside {
	s.mu.Lock()
	defer s.mu.Unlock()
	return outside{s.shared}
}

// tagLauncher gives this process the tag of the run, and takes it off again at
// the end.
func (s *processSet) tagLauncher() (untag func()) {
	if s.mark.Run == 0 || !s.alone {
		return func() {}
	}
	s.tagging.Lock() // the watchdog may be being made
	defer s.tagging.Unlock()
	before, err := process.TagOf(0)
	if err != nil || s.mark.Run.Attach(0) != nil {
		return func() {}
	}
	return func() { _ = before.Attach(0) }
}

// startTagged is os.StartProcess for a process with a tag. Where this process
// makes no others, that inherits the tag, and so does what it starts at once.
func (s *processSet) startTagged(tag process.Tag, path string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	if s.mark.Run == 0 {
		return os.StartProcess(path, argv, attr)
	}
	if !s.alone {
		p, err := os.StartProcess(path, argv, attr)
		if err == nil {
			_ = tag.Attach(p.Pid)
		}
		return p, err
	}
	s.tagging.Lock() // which costs nothing: os.StartProcess makes one process at a time
	defer s.tagging.Unlock()
	if tag.Attach(0) == nil { // or else environments have to do
		defer func() { _ = s.mark.Run.Attach(0) }()
	}
	return os.StartProcess(path, argv, attr)
}

// start makes a process for a service, which leads a group, or a session with
// a terminal. It waits until the watchdog is there, which is to end it should this
// process be killed.
func (s *processSet) start(service, path string, argv []string, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	s.watchdog.wait()
	pid, exit, err := s.make(s.mark.Run.Service(service), path, argv, attr)
	if err != nil {
		return nil, nil, err
	}
	s.watchdog.add(pid)
	g := newGroup(pid, service, s, attr.Sys.Setsid)
	s.groups.Store(pid, g)
	return g, exit, nil
}

func (s *processSet) make(tag process.Tag, path string, argv []string, attr *os.ProcAttr) (pid int, exit <-chan Exit, err error) {
	s.making.RLock()
	defer s.making.RUnlock()
	p, err := s.startTagged(tag, path, argv, attr)
	if err != nil {
		return 0, nil, err
	}
	came := make(chan Exit, 1)
	pid = p.Pid // which Release forgets
	s.own.Store(pid, came)
	return pid, came, p.Release() // reap waits for it
}

// startOutside makes a process that is left alone at the end.
func (s *processSet) startOutside(path string, argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	s.noteOutside()
	_, _, err = s.make(process.Released, path, argv, &os.ProcAttr{
		Env:   append(os.Environ(), envvar.Outside+"=1"),
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// killOwn sends SIGKILL to a process that was made, unless it has been waited
// for: then the PID may be another's.
func (s *processSet) killOwn(pid int) {
	s.making.RLock() // nothing is waited for meanwhile
	defer s.making.RUnlock()
	if _, own := s.own.Load(pid); own {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}
