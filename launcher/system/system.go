// Package system is what the operating system does for a run: it starts the
// processes of services, finds everything that these start, and ends it.
//
//	System ──► processSet ──► group, one for each Process
//	               │            signals the process group, the session of a terminal
//	               │            (session), and what has left both
//	               ├──► watchdog: ends all that should devports be killed
//	               └──► outside: what is left alone though a service has started it
//
// # Nothing is left
//
// A process is ended with all that it has started: its process group, and what
// has left that. On Linux the run adopts what loses its parent, and knows by a tag
// ([process.Tag]), elsewhere by a mark in the environment, which service it comes
// from. A watchdog, a process of its own, ends what bears the mark when the run is
// killed. If that is killed as well, the mark lets [KillOrphans] end the rest later.
//
// # Nothing else is touched
//
// What was below this process before the run, what another run has started,
// programs that a user shares between projects (sharedPrograms), and what
// has DEVPORTS_OUTSIDE=1 in its environment are left alone, with everything below
// them.
//
// # Concurrency
//
// One goroutine waits for all dead children, since a wait that blocks would take
// a thread each. All methods may be called by any goroutine.
package system

import (
	"context"
	"os"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Options say for what run the system is opened.
type Options struct {
	Output *output.Mux
	// ID marks what the run starts; it is unlike that of any other run. With "",
	// only process groups are looked after, and there is no watchdog.
	ID string
	// Alone says that this process makes no others than the run's, so that at
	// the end what the run has left below it is ended.
	Alone bool
	// Terminal is put back into State by the watchdog should this process be
	// killed, unless another program has done so; nil for none.
	Terminal *os.File
	State    terminal.State
	// LeftRunning is called for each process that goes on though its service has
	// ended, and Watchdog when there is none (the error), or when it has been
	// replaced (nil). Both are called by any goroutine.
	LeftRunning func(Orphan)
	Watchdog    func(error)
}

// System is the operating system, for one run.
type System struct {
	processes *processSet
	output    *output.Mux
	alone     bool
	scatter   func() // ends the waiting for dead children
	idle      *time.Timer
}

// idleDelay is how long nothing may have been started before the processes of
// the services are looked at once.
const idleDelay = time.Second

// Open prepares the system for a run, whose end is to call Close.
func Open(o Options) *System {
	s := &System{processes: newProcessSet(o.ID, o.Alone), output: o.Output, alone: o.Alone}
	s.processes.spared = o.LeftRunning
	s.idle = time.AfterFunc(idleDelay, s.processes.lookAround)
	reserveThreads()
	if o.ID != "" {
		s.processes.startWatchdog(o.Terminal, o.State, o.Watchdog)
	}
	s.scatter = s.processes.gather()
	return s
}

// Probe returns what asks once whether a check of a service has passed that asks
// its port or runs a command.
func (s *System) Probe(spec procfile.Process, check procfile.Check) probe.Try {
	switch check.Kind {
	case procfile.HTTP:
		return probe.HTTP(spec.Port, check.Arg)
	case procfile.Exec:
		return s.processes.try(spec, check.Arg)
	}
	return probe.TCP(spec.Port)
}

// StartOutside makes a process that does not belong to the run.
func (s *System) StartOutside(argv []string) error {
	path, err := LookPath(argv[0], "", os.Environ())
	if err != nil {
		return err
	}
	return s.processes.startOutside(path, argv)
}

// Share has processes of programs with these names outlive the service that has
// started them, once they have left its process group, beside those that are
// known.
func (s *System) Share(names []string) { s.processes.share(names) }

// Together has what is asked of processes until begin is called begin only then, so
// that they share one list of all processes: making one takes a millisecond. It must
// not be called again before.
func (s *System) Together() (begin func()) { return s.processes.together() }

// Attached is called when a user begins and ends to type to a process.
func (s *System) Attached(now bool) { s.processes.watchdog.attached(now) }

// KillTimeout is how long killed processes may take to vanish.
const KillTimeout = 2 * time.Second

// closeGrace is what the last processes get to end by themselves.
const closeGrace = 500 * time.Millisecond

// Close ends what is left of the run, once all processes of services have ended.
// It returns what that was, and what goes on.
func (s *System) Close() (killed, spared []Orphan) {
	s.idle.Stop()
	if s.alone {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace+KillTimeout)
		defer cancel()
		killed, spared = s.processes.killRest(ctx, closeGrace)
	}
	s.processes.watchdog.dismiss()
	s.scatter()
	return killed, spared
}
