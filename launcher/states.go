package launcher

// phase is where a service stands.
type phase int

const (
	waiting  phase = iota // for the services that it depends on
	starting              // a process is being made; it has no pid yet
	running               // its process lives
	backoff               // it has ended and will be started again at its deadline
	stopping              // its grace period runs; or ended but for its children
	killing               // sent KILL
	ended                 // nothing of it is left
	removed               // ended, and to be forgotten
)

var phaseNames = [...]string{"waiting", "starting", "running", "backoff", "stopping", "killing", "ended", "removed"}

func (p phase) String() string { return phaseNames[p] }

// live reports whether there is, or is about to be, a process.
func (p phase) live() bool { return p >= starting && p <= killing && p != backoff }

// goal is what was last asked of a service while it had a process.
type goal int

const (
	goalNone    goal = iota
	goalStop         // end
	goalRestart      // end, then start again
	goalRemove       // end, then be forgotten
	goalKill         // end at once
)

var goalNames = [...]string{"none", "stop", "restart", "remove", "kill"}

func (g goal) String() string { return goalNames[g] }

// eventKind is what can happen to a service.
type eventKind int

const (
	evStart   eventKind = iota // its turn to start has come
	evStarted                  // the process is made
	evFailed                   // the process could not be made: exit
	evExited                   // the process has ended, others of its group have not: exit, left
	evGone                     // nothing of its group is left: exit
	evTimeout                  // its deadline has passed
	evReady                    // its check has passed
	evUnready                  // its check has not passed in time: exit
	evEnd                      // its turn has come to end, as asked
	evYield                    // it cannot go on until it has been built
	evAgain                    // it is to be run once more when what it depends on is back: outage
	evStop                     // asked: end it
	evKill                     // asked: end it at once
	evRestart                  // asked: end it and start it again
	evRemove                   // asked: end it and forget it

	evBuild        // its turn to be built has come
	evBuildStarted // the process of the build is made
	evBuildExited  // that has ended, others of its group have not: exit
	evBuildGone    // nothing of the build is left, or no process could be made: exit
	evBuildTimeout // the build's deadline has passed
)

var eventNames = [...]string{
	"start", "started", "failed", "exited", "gone", "timeout", "ready", "unready", "end", "yield", "again", "stop", "kill", "restart", "remove",
	"build", "build started", "build exited", "build gone", "build timeout",
}

func (k eventKind) String() string { return eventNames[k] }

// ofBuild reports whether it happens to the build of a service.
func (k eventKind) ofBuild() bool { return k >= evBuild }

// ofEnd reports whether a process ends with it, or is to.
func (k eventKind) ofEnd() bool {
	return k == evFailed || k == evExited || k == evGone || k == evUnready
}

// event is something that happens to a service.
type event struct {
	kind    eventKind
	exit    Exit
	needed  bool     // with an exit: another service depends on this one
	left    []Orphan // what the process has left behind, in the background
	serving bool     // one of those listens on the service's port
	outage  Outage   // of what it depends on, when that may be why it has ended
}

// action is what a transition asks the supervisor to do.
type action int

const (
	spawn     action = iota // make the process
	terminate               // send the stop signal to the group
	kill                    // send KILL to the group

	startBuild     // make the process of the build
	terminateBuild // ask it to end
	killBuild      // send KILL to its group
)

var actionNames = [...]string{"spawn", "terminate", "kill", "start build", "terminate build", "kill build"}

func (a action) String() string { return actionNames[a] }
