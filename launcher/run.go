package launcher

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Options configure the run of a plan. With the zero value a run prints
// nothing.
type Options struct {
	Output  *output.Mux // where services print; nil discards it
	Notify  func(Event) // called with every event, in order; must not block; nil for none
	Signals <-chan os.Signal
	Plans   <-chan procfile.Plan // new versions of the plan to follow

	StopOnExit bool // stop everything when one service ends, whatever the plan says
	Lasting    bool // the run does not end with its services
	Watching   bool // the caller restarts services when the files they watch change

	Terminals  *Terminals  // nil: services print to pipes
	Instance   *Instance   // nil: no marks, no watchdog; only process groups are ended
	Controller *Controller // lets others query and control the run; nil for none

	// Sharing is for the services of the plan that are Shared; nil: they fail.
	Sharing Sharing

	// Listening returns the ports that any of these processes listens on. With
	// it, the run can diagnose why a service is slow to become ready.
	Listening func(pids []int) []int

	// Drain waits until a service has finished the requests that it has received.
	// It is called before a service with a Host is restarted, in a goroutine, and
	// delays the stop signal. ctx ends when the service is to stop without delay.
	// nil for none.
	Drain func(ctx context.Context, service string)

	// AllListening returns all ports that any process listens on. With it, the
	// run need not connect to each service that does not listen yet; nil for
	// none.
	AllListening func() (map[int]bool, error)

	// Setup begins the turn of a step of the setup, once its dependencies are
	// available: see [Turn]. It may wait until another process has run the step;
	// ctx ends when the step is to stop. With force the step has to run. It must
	// be safe for concurrent use; nil: every step runs each time.
	Setup func(ctx context.Context, step procfile.Process, force bool) (Turn, error)

	// Explain returns why a process that was started at that time has failed, or
	// "". It must be safe for concurrent use; nil for none.
	Explain func(procfile.Process, Exit, time.Time) string
}

// explain returns an exit with its cause.
func (o Options) explain(spec procfile.Process, exit Exit, started time.Time) Exit {
	if o.Explain != nil && exit.Failed() {
		exit.Cause = o.Explain(spec, exit, started)
	}
	return exit
}

// Terminals gives each service a terminal of its own.
type Terminals struct {
	// Size returns the size of a service's terminal. It must be safe for
	// concurrent use. nil means 24 rows of 80 columns.
	Size    func(service string) terminal.Size
	Resized <-chan os.Signal // receives a value when Size has changed
}

// Instance makes sure that no process outlives the run. Every process that the
// run starts carries the mark [envvar.Instance] and a tag. A process that
// leaves its process group ends with its service; if devports is killed, a
// watchdog ends what is left (see [system.Watchdog]). Without a watchdog,
// Notify gets [NoWatchdog].
type Instance struct {
	ID string // unique among all runs; "" generates one
	// Dedicated says that this process starts no processes but the run's, so
	// that at the end the run may kill every orphan below it.
	Dedicated bool
	// Restore is the terminal that the watchdog restores if devports is killed,
	// unless another program has restored it already; nil for none.
	Restore *Restore
	// Watchdog was started early for this run; nil: Run starts one.
	Watchdog *system.EarlyWatchdog
}

// Restore is a terminal and the state to restore.
type Restore struct {
	Terminal *os.File
	State    terminal.State
}

// complete returns the options with defaults in place of nil values, except for
// channels and for options whose nil value means something.
func (o Options) complete() Options {
	if o.Output == nil {
		o.Output = output.New(io.Discard, output.Style{})
	}
	if o.Notify == nil {
		o.Notify = func(Event) {}
	}
	if o.Instance != nil {
		instance := *o.Instance
		instance.ID = cmp.Or(instance.ID, rand.Text())
		o.Instance = &instance
	}
	return o
}

// ExitError reports that a run has failed.
type ExitError struct {
	Service string // the first service that failed and has not been restarted since
	Status  int    // its exit status as in a shell, or 1 if it never started
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("service %s failed with status %d", e.Service, e.Status)
}

// Run starts the services of plan, follows new plans, and returns once every
// process has ended and none is left to start. The first signal stops all
// services, as does the end of ctx; another signal at least [EchoTime] later
// kills them.
//
// The error is an *ExitError if a service has failed; with StopOnExit it names
// the service that ended first. It is ctx.Err() if ctx has ended, and nil after
// a signal.
func Run(ctx context.Context, plan procfile.Plan, options Options) error {
	return runOn(ctx, openSystem, plan, options)
}

func runOn(ctx context.Context, open func(Options, func(Event)) operatingSystem, plan procfile.Plan, options Options) error {
	s := &supervisor{
		machine: machine{
			services: map[string]service{}, removedDowntime: map[string]downtime{},
			watching: options.Watching, lasting: options.Lasting, drains: options.Drain != nil, maxBuilds: runtime.NumCPU(),
		},
		options:   options.complete(),
		ctx:       ctx,
		processes: map[string]*latestProcess{},
		builds:    map[string]*latestBuild{},
		ports:     portList{list: options.AllListening},
		messages:  make(chan message),
		signals:   make(chan arrival, 8),
		done:      make(chan struct{}),
	}
	s.goroutines.Go(s.receiveSignals)
	s.spawners = workers{limit: spawnLimit, all: &s.goroutines}
	if options.Controller != nil {
		s.requests = options.Controller.requests
		defer close(options.Controller.ended)
	}
	if options.Terminals != nil {
		s.resized = options.Terminals.Resized
	}
	s.system = open(s.options, func(e Event) { s.post(message{notice: e}) })
	s.change(plan)
	s.advance()
	s.notifyAllReady()
	for !s.finished() {
		s.receive()
		s.advance()
		s.notifyIdle()
		s.notifyAllReady()
		s.answerWaiters()
		if options.Controller != nil && s.changed {
			options.Controller.watchers.notify()
			s.changed = false
		}
	}
	if !s.closing {
		for _, name := range s.blocked() {
			if sv := s.services[name]; (sv.outage == Outage{}) { // otherwise it ran before
				s.options.Notify(Blocked{name, s.unmetDependency(sv)})
			}
		}
	}
	s.leaveAllShared()
	close(s.done)
	s.goroutines.Wait()
	killed, leftRunning := s.system.Close()
	for _, p := range leftRunning {
		s.options.Notify(LeftRunning{p})
	}
	if len(killed) > 0 {
		s.options.Notify(OrphansKilled{killed})
	}
	switch failed := s.result(); {
	case failed != nil:
		return failed
	case s.cancelled:
		return ctx.Err()
	}
	return nil
}
