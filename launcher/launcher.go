package launcher

import (
	"context"
	"os"
	"time"

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
	s := &supervisor{
		options:  options,
		services: map[string]*managed{},
		messages: make(chan message),
		done:     make(chan struct{}),
		spawning: make(chan struct{}, spawnLimit),
		family:   newFamily(options.Instance, options.Alone, options.Outside),
	}
	s.family.spared = func(l Left) { go s.post(message{news: LeftRunning{l}}) }
	s.settle = time.AfterFunc(settling, func() {
		s.family.reap() // for the sake of the watchdog: no signal comes for a new orphan
		giveBack()
	})
	defer s.settle.Stop()
	defer close(s.done)
	if options.Steering != nil {
		s.requests = options.Steering.requests
		defer close(options.Steering.over)
	}
	reserveThreads()
	s.watchOver()
	defer s.family.gather()()
	s.follow(plan)
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
	s.reportBlocked()
	s.sweep()
	return s.status()
}

// watchOver starts the watchdog.
func (s *supervisor) watchOver() {
	if s.options.Instance != "" {
		s.family.startWatchdog(s.options.Terminal, s.options.Found, func(err error) {
			if err != nil {
				s.post(message{news: NoWatchdog{err}})
			} else {
				s.post(message{news: WatchdogReplaced{}})
			}
		})
	}
}

// sweepGrace is what the last processes get to end by themselves.
const sweepGrace = 500 * time.Millisecond

// sweep ends what got out of sight of its service, and then the watchdog.
func (s *supervisor) sweep() {
	if s.options.Alone {
		ctx, cancel := context.WithTimeout(context.Background(), sweepGrace+killTimeout)
		defer cancel()
		rest, spared := s.family.endRest(ctx, sweepGrace)
		for _, l := range spared {
			s.options.Notify(LeftRunning{l})
		}
		if len(rest) > 0 {
			s.options.Notify(OrphansKilled{rest})
		}
	}
	s.family.watchdog.dismiss()
}
