package launcher

import (
	"fmt"
	"os"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// Options say how a plan is run.
type Options struct {
	Output     *output.Mux
	Notify     func(Event)          // told of everything, in order; must not block
	Signals    <-chan os.Signal     // the first ends all services, the second kills them
	Plans      <-chan procfile.Plan // new versions of the plan to follow
	StopOnExit bool                 // the end of one service ends all, whatever the plan says
}

// Kind is what an [Event] tells.
type Kind int

const (
	Started    Kind = iota // Service has a process, PID
	NotStarted             // it could not be started: Exit.Err
	Blocked                // it never started, because On did not
	Ended                  // its process has ended: Exit; nothing of it is left
	Killing                // it did not end in time, or was not given any; it is killed
	Lost                   // it did not end when killed either; PID is given up
	Stopping               // all services are being stopped: because Service has ended, or else because of On
	Followed               // a new plan is followed: Changes
)

// Event is something that the user may want to know.
type Event struct {
	Kind    Kind
	Service string
	PID     int
	Port    int    // of Started
	Exit    Exit   // of NotStarted and Ended
	On      string // of Blocked: the dependency; of Stopping: the signal, or what is wrong with the output
	Changes []procfile.Change
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
		family:   &children{},
	}
	defer close(s.done)
	s.family.adopt(s.done)
	s.follow(plan)
	s.advance()
	for !s.finished() {
		s.receive()
		s.advance()
	}
	s.reportBlocked()
	return s.status()
}
