// Package system provides what a run needs from the operating system: it starts
// the processes of services, finds everything that these start, and ends it.
//
//	System ──► processSet ──► group, one for each Process
//	               │            signals the process group, the session of a
//	               │            terminal, and the processes that have left both
//	               ├──► watchdog: ends everything if devports is killed
//	               └──► outside: processes left alone though a service started
//	                    them
//
// # No process is left behind
//
// A process ends together with everything that it has started: its process
// group, and processes that have left the group. On Linux the run adopts orphans
// and identifies their service by a tag ([process.Tag]), elsewhere by a mark in
// the environment. If the run is killed, a watchdog, a process of its own, ends
// all processes with the mark. If the watchdog is killed as well, [KillOrphans]
// can still find the processes by their mark later.
//
// # No other process is touched
//
// The run leaves alone: descendants of this process from before the run,
// processes of other runs, programs that users share between projects
// (outsidePrograms), processes with DEVPORTS_OUTSIDE=1 in their environment,
// and the descendants of all these.
//
// # Concurrency
//
// One goroutine reaps all dead children, since a blocking wait for each would
// take a thread. All methods may be called from any goroutine.
package system

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Options configure the System of a run.
type Options struct {
	Output *output.Mux
	// ID marks the processes of the run; it is unique among all runs. With "",
	// processes have no marks, only process groups are ended, and there is no
	// watchdog.
	ID string
	// Dedicated says that this process starts no processes but the run's, so
	// that at the end the run may kill every orphan below it.
	Dedicated bool
	// Terminal is restored to State by the watchdog if this process is killed,
	// unless another program has restored it already; nil for none.
	Terminal *os.File
	State    terminal.State
	// Early becomes the watchdog; nil: Open starts one.
	Early *EarlyWatchdog
	// LeftRunning is called with each process outside the run that outlives its
	// service. Watchdog is called with an error if there is no watchdog, and
	// with nil when it was replaced. Both are called from any goroutine.
	LeftRunning func(Orphan)
	Watchdog    func(error)
}

// System starts and ends the processes of one run.
type System struct {
	processes  *processSet
	output     *output.Mux
	dedicated  bool
	instance   string // Options.ID
	stopReaper func() // stops reaping dead children
	closed     chan struct{}
	searches   sync.WaitGroup // for processes outside the run
}

// searchInterval is the time between two searches for processes outside the run.
const searchInterval = time.Second

// Open prepares the system for a run. The caller calls Close at its end.
func Open(o Options) *System {
	s := &System{processes: newProcessSet(o.ID, o.Dedicated, o.Early), output: o.Output, dedicated: o.Dedicated, instance: o.ID}
	s.processes.leftRunning = o.LeftRunning
	s.closed = make(chan struct{})
	s.searches.Go(s.searchOutside)
	if o.ID != "" {
		s.processes.startWatchdog(o.Early, o.Terminal, o.State, o.Watchdog)
	}
	if o.Early == nil {
		reserveThreads() // while the watchdog starts
	}
	s.stopReaper = s.processes.startReaper()
	return s
}

// searchOutside finds processes outside the run until Close is called. The sooner
// one is found, the less of what it starts is taken for a service's.
func (s *System) searchOutside() {
	tick := time.NewTicker(searchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.processes.findOutside()
		case <-s.closed:
			return
		}
	}
}

// Probe returns a function that runs a check of a service once.
func (s *System) Probe(spec procfile.Process, check procfile.Check) probe.Try {
	switch check.Kind {
	case procfile.HTTP:
		return probe.HTTP(spec.Port, check.Arg)
	case procfile.Exec:
		return s.processes.execCheck(spec, check.Arg)
	case procfile.Healthy:
		return container.Probe(spec, s.instance)
	}
	if spec.Container != nil {
		return probe.Proxied(spec.Port)
	}
	return probe.TCP(spec.Port)
}

// StartOutside starts a process that does not belong to the run. exited receives
// its exit.
func (s *System) StartOutside(argv []string) (exited <-chan Exit, err error) {
	path, err := LookPath(argv[0], "", os.Environ())
	if err != nil {
		return nil, err
	}
	return s.processes.startOutside(path, argv)
}

// SetOutsidePrograms sets the names of programs, besides the built-in ones,
// whose processes outlive the service that started them once they have left its
// process group.
func (s *System) SetOutsidePrograms(names []string) { s.processes.setOutsidePrograms(names) }

// HoldSignals delays every Terminate until release is called, so that they
// share one list of the processes, which takes a millisecond to make. It must
// not be called again before release.
func (s *System) HoldSignals() (release func()) { return s.processes.holdSignals() }

// SetAttached says whether a client is attached to a service.
func (s *System) SetAttached(now bool) { s.processes.watchdog.setAttached(now) }

// KillTimeout is how long processes have to end after SIGKILL. On a busy machine,
// the last of hundreds may take more than two seconds.
const KillTimeout = 5 * time.Second

// closeGrace is how long the last processes have to exit before they are
// killed.
const closeGrace = 500 * time.Millisecond

// Close ends what is left of the run once all services have ended. It returns
// the processes that it killed, and those that it left running because they are
// outside the run.
func (s *System) Close() (killed, leftRunning []Orphan) {
	close(s.closed)
	s.searches.Wait()
	if s.dedicated {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace+KillTimeout)
		defer cancel()
		killed, leftRunning = s.processes.killOrphans(ctx, closeGrace)
	}
	s.processes.watchdog.dismiss()
	s.stopReaper()
	return killed, leftRunning
}
