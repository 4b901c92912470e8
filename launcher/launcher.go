package launcher

import (
	"os"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Options say how a plan is run.
type Options struct {
	Output     *output.Mux
	Notify     func(Event)          // told of everything, in order; must not block
	Signals    <-chan os.Signal     // the first ends all services, the second kills them
	Plans      <-chan procfile.Plan // new versions of the plan to follow
	StopOnExit bool                 // the end of one service ends all, whatever the plan says

	// Size is asked for the size of the terminal that a service gets. With nil,
	// services print to pipes. It is called by several goroutines.
	Size    func(service string) terminal.Size
	Resized <-chan os.Signal // says that Size has changed

	// Terminal is put back into the state Found by the watchdog should devports be
	// killed, unless another program has done so; nil for none.
	Terminal *os.File
	Found    terminal.State

	// Steering lets others look at the run and steer it; nil for none.
	Steering *Steering

	// Listening returns the ports on which any of the processes listens. With it
	// a service that takes long to be ready can be told why; with nil it is not.
	Listening func(pids []int) []int

	// Instance marks everything that is started, by [envvar.Instance] and by a
	// tag; it has to be unlike that of any other run. With it nothing gets away:
	// what leaves its process group ends with its service, and should devports be
	// killed a watchdog ends the rest (see [Watchdog]; where there is none, Notify
	// gets [NoWatchdog]). With "" only process groups are looked after, and there
	// is no watchdog.
	Instance string
	// Alone says that this process makes no others than the run's, so that at
	// the end what the run has left below it is ended.
	Alone bool
	// Outside are names of programs that outlive the service that has started
	// them, once they have left its process group, beside the [SharedPrograms].
	Outside []string
}

// Run starts the services of plan, follows new plans, and returns when every
// process has ended and nothing is left to start. The status is that of the
// first service that failed and was not started again since; after a signal it
// is 0, and with StopOnExit that of the service that ended first.
func Run(plan procfile.Plan, options Options) (status int) {
	return runOn(openSystem, plan, options)
}

func runOn(open func(Options, func(Event)) system, plan procfile.Plan, options Options) int {
	s := &supervisor{
		machine:  machine{services: map[string]service{}},
		options:  options,
		attempts: map[string]*attempt{},
		messages: make(chan message),
		done:     make(chan struct{}),
		spawning: make(chan struct{}, spawnLimit),
	}
	if options.Steering != nil {
		s.requests = options.Steering.requests
		defer close(options.Steering.over)
	}
	s.system = open(options, func(e Event) { s.post(message{news: e}) })
	s.change(plan)
	s.advance()
	for !s.finished() {
		s.receive()
		s.advance()
		s.answerWaiters()
		if options.Steering != nil && s.changed {
			options.Steering.tell()
			s.changed = false
		}
	}
	if !s.closing {
		for _, name := range s.blocked() {
			options.Notify(Blocked{name, s.missing(s.services[name])})
		}
	}
	close(s.done)
	s.goroutines.Wait()
	for _, e := range s.system.Close() {
		options.Notify(e)
	}
	return s.status()
}
