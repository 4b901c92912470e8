package launcher

import (
	"context"
	"fmt"
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

	// Terminal is put back into the state Found by the guard should devports be
	// killed, unless somebody else has done so; nil for none.
	Terminal *os.File
	Found    terminal.State

	// Steering lets others look at the run and steer it; nil for none.
	Steering *Steering

	// Listening returns the ports on which any of the processes listens. With it
	// a service that takes long to be ready can be told why; with nil it is not.
	Listening func(pids []int) []int

	// Instance marks everything that is started, by [InstanceVariable]; it has
	// to be unlike that of any other run. With it nothing gets away: what leaves
	// its process group ends with its service, and should devports be killed a
	// guard ends the rest (see [Guard]; where there is none, Notify is told).
	// With "" only process groups are looked after, and there is no guard.
	Instance string
	// Alone says that this process makes no others than the run's, so that at
	// the end whatever is below it is ended.
	Alone bool
}

// Kind is what an [Event] tells.
type Kind int

const (
	Started    Kind = iota // Service has a process, PID
	NotStarted             // it could not be started: Exit.Err
	Blocked                // it never started, because On did not
	Ready                  // its check has passed, Took after its start
	Elsewhere              // it is not ready: its processes listen on Ports, not on Port
	Silent                 // it is not ready: nothing listens on Port, and On waits for that
	Ended                  // its process has ended: Exit; nothing of it is left, Left included. If Retry is not 0, it is started again after that
	Waits                  // it waits for On, which has ended without having been ready
	Killing                // it did not end in time, or was not given any; it is killed
	Lost                   // it did not end when killed either; PID is given up
	Stopping               // all services are being stopped: because Service has ended, or else because of On
	Followed               // a new plan is followed: Changes
	Unguarded              // there is no guard: Exit.Err
	Swept                  // Left was still there when all services had ended, and has been ended
)

var kindNames = [...]string{
	"started", "not-started", "blocked", "ready", "elsewhere", "silent", "ended", "waits",
	"killing", "lost", "stopping", "followed", "unguarded", "swept",
}

// String is a word that other programs may know the kind by.
func (k Kind) String() string { return kindNames[k] }

// Event is something that the user may want to know.
type Event struct {
	Kind    Kind
	Service string
	PID     int
	Port    int // of Started and of what is told of readiness
	Ports   []int
	Checked bool // of Started: Ready will follow
	Took    time.Duration
	Retry   time.Duration
	Exit    Exit   // of NotStarted and Ended
	On      string // a service; of Stopping: the signal, or what is wrong with the output
	Changes []procfile.Change
	Left    []Left
}

// Exit is how a process ended.
type Exit struct {
	Status int    // as a shell has it: 128 + n for a signal, 126 and 127 for a process that could not be made
	Signal string // the signal's name, if one ended it
	Asked  bool   // devports had asked for it
	Err    error  // why the process could not be made or waited for
}

// Failed reports whether the exit is one that `up` fails for.
func (e Exit) Failed() bool { return e.Status != 0 && !e.Asked }

// String words the exit: "exited with status 3", "was ended by signal KILL".
func (e Exit) String() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != "":
		return "was ended by signal " + e.Signal
	}
	return fmt.Sprintf("exited with status %d", e.Status)
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
		family:   &family{instance: options.Instance},
	}
	s.settle = time.AfterFunc(settling, func() {
		s.family.reap() // for the sake of the guard: nothing tells of a new orphan
		giveBack()
	})
	defer s.settle.Stop()
	defer close(s.done)
	if options.Steering != nil {
		s.requests = options.Steering.requests
		defer close(options.Steering.over)
	}
	reserveThreads()
	s.family.gather(s.done)
	s.watchOver()
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

// watchOver starts the guard.
func (s *supervisor) watchOver() {
	if s.options.Instance != "" {
		s.family.startGuard(s.options.Terminal, s.options.Found, func(err error) { s.post(message{exit: Exit{Err: err}}) })
	}
}

// sweepGrace is what the last processes get to end by themselves.
const sweepGrace = 500 * time.Millisecond

// sweep ends what got out of sight of its service, and then the guard.
func (s *supervisor) sweep() {
	if s.options.Alone {
		ctx, cancel := context.WithTimeout(context.Background(), sweepGrace+killTimeout)
		defer cancel()
		if rest := s.family.endRest(ctx, sweepGrace); len(rest) > 0 {
			s.options.Notify(Event{Kind: Swept, Left: rest})
		}
	}
	s.family.guard.dismiss()
}
