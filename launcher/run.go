package launcher

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Options say how a plan is run. The zero value is fine: nothing is shown then.
type Options struct {
	Output  *output.Mux // where services print; nil: nowhere
	Notify  func(Event) // gets every event, in order, and must not block; nil for none
	Signals <-chan os.Signal
	Plans   <-chan procfile.Plan // new versions of the plan to follow

	StopOnExit bool // the end of one service ends all, whatever the plan says
	Watching   bool // a caller restarts services when files that they watch change

	Terminals  *Terminals  // nil: services print to pipes
	Instance   *Instance   // nil: only process groups are looked after
	Controller *Controller // lets others look at the run and steer it; nil for none

	// Listening returns the ports on which any of the processes listens. With it
	// the run finds out why a service takes long to be ready.
	Listening func(pids []int) []int
}

// Terminals has each service print to a terminal of its own.
type Terminals struct {
	// Size is the size of a service's terminal. It is called by several
	// goroutines. nil: 24 rows of 80 columns.
	Size    func(service string) terminal.Size
	Resized <-chan os.Signal // a value says that Size has changed
}

// Instance has nothing get away: all that is started is marked, by
// [envvar.Instance] and by a tag. What leaves its process group ends with its
// service, and should devports be killed a watchdog ends the rest: see
// [system.Watchdog]. Where there is none, Notify gets [NoWatchdog].
type Instance struct {
	ID string // unlike that of any other run; "": one is made up
	// Alone says that this process makes no others than the run's, so that at
	// the end what the run has left below it is ended.
	Alone bool
	// Restore is what the watchdog restores should devports be killed, unless
	// another program has done so; nil for nothing.
	Restore *Restore
}

// Restore is a terminal and the state that it is put back into.
type Restore struct {
	Terminal *os.File
	State    terminal.State
}

// complete returns the options without anything that may be nil, but for
// channels and what makes a difference.
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

// ExitError says that the run of a plan has failed.
type ExitError struct {
	Service string // the first that failed and was not started again since
	Status  int    // its exit status, as a shell has it, or 1 if it never started
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("service %s failed with status %d", e.Service, e.Status)
}

// Run starts the services of plan, follows new plans, and returns when every
// process has ended and nothing is left to start. The first signal ends all
// services, and so does the end of ctx; another signal, [EchoTime] later, kills
// them.
//
// The error is an *ExitError if a service has failed, with StopOnExit for the
// service that ended first. It is ctx's if that has ended, and nil after a
// signal.
func Run(ctx context.Context, plan procfile.Plan, options Options) error {
	return runOn(ctx, openSystem, plan, options)
}

func runOn(ctx context.Context, open func(Options, func(Event)) operatingSystem, plan procfile.Plan, options Options) error {
	s := &supervisor{
		machine: machine{
			services: map[string]service{}, gone: map[string]outage{},
			watching: options.Watching, maxBuilds: runtime.NumCPU(),
		},
		options:  options.complete(),
		ctx:      ctx,
		attempts: map[string]*attempt{},
		builders: map[string]*builder{},
		messages: make(chan message),
		done:     make(chan struct{}),
	}
	s.spawners = workers{limit: spawnLimit, all: &s.goroutines}
	if options.Controller != nil {
		s.requests = options.Controller.requests
		defer close(options.Controller.over)
	}
	if options.Terminals != nil {
		s.resized = options.Terminals.Resized
	}
	s.system = open(s.options, func(e Event) { s.post(message{news: e}) })
	s.change(plan)
	s.advance()
	s.noteReady()
	for !s.finished() {
		s.receive()
		s.advance()
		s.noteIdle()
		s.noteReady()
		s.answerWaiters()
		if options.Controller != nil && s.changed {
			options.Controller.tell()
			s.changed = false
		}
	}
	if !s.closing {
		for _, name := range s.blocked() {
			if sv := s.services[name]; (sv.during == Outage{}) { // else it has been started before
				s.options.Notify(Blocked{name, s.missing(sv)})
			}
		}
	}
	close(s.done)
	s.goroutines.Wait()
	killed, spared := s.system.Close()
	for _, p := range spared {
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
