package launcher

// phase is the state of a service's process.
type phase int

const (
	waiting  phase = iota // for its dependencies
	starting              // its process is being spawned and has no pid yet
	running               // its process is alive
	backoff               // its process has ended; another starts at the deadline
	stopping              // in its grace period, or its process has ended and children have not
	killing               // SIGKILL has been sent
	ended                 // no process is left
	removed               // ended, and about to be deleted
)

var phaseNames = [...]string{"waiting", "starting", "running", "backoff", "stopping", "killing", "ended", "removed"}

func (p phase) String() string { return phaseNames[p] }

// live reports whether there is a process, or is about to be one.
func (p phase) live() bool { return p >= starting && p <= killing && p != backoff }

// goal is the latest request for a service that has a process.
type goal int

const (
	goalNone    goal = iota
	goalStop         // stop
	goalRestart      // stop, then start again
	goalRemove       // stop, then delete the service
	goalKill         // kill
)

var goalNames = [...]string{"none", "stop", "restart", "remove", "kill"}

func (g goal) String() string { return goalNames[g] }

// eventKind is a kind of event in the life of a service.
type eventKind int

const (
	evStart        eventKind = iota // its turn to start
	evStarted                       // the process was spawned
	evSpawnFailed                   // the process could not be spawned: exit
	evExited                        // the process has ended, others of its group have not: exit, orphans
	evGone                          // no process of its group is left: exit
	evTimeout                       // the deadline has passed
	evReady                         // the check has passed
	evReadyTimeout                  // the check has not passed in time: exit
	evDrain                         // its turn to finish its requests before it is restarted
	evDrained                       // it has finished them, or takes too long
	evTerminate                     // its turn to stop, as requested
	evStopToBuild                   // restart, as the build has to wait for the process to stop
	evRerun                         // run it again once its dependency is back: outage
	evUpToDate                      // it is a step that need not run now
	evRenewed                       // a step that it depends on has run since it was started
	evStop                          // request: stop
	evKill                          // request: kill
	evRestart                       // request: restart
	evRemove                        // request: delete
	evShareUp                       // the shared instance of the service runs
	evShareDown                     // it does not, but will again without a request: exit
	evShareGone                     // it has ended: exit

	evBuild        // its turn to build
	evBuildStarted // the build's process was spawned
	evBuildExited  // the build's process has ended, others of its group have not: exit
	evBuildGone    // no process of the build is left, or none could be spawned: exit
	evBuildTimeout // the build's deadline has passed
)

var eventNames = [...]string{
	"start", "started", "spawn failed", "exited", "gone", "timeout", "ready", "ready timeout", "drain", "drained", "terminate", "stop to build", "rerun", "up to date", "renewed", "stop", "kill", "restart", "remove",
	"share up", "share down", "share gone",
	"build", "build started", "build exited", "build gone", "build timeout",
}

func (k eventKind) String() string { return eventNames[k] }

// isBuild reports whether an event of this kind concerns the build of a
// service.
func (k eventKind) isBuild() bool { return k >= evBuild }

// isEnd reports whether a process has ended, or has to, on an event of this kind.
func (k eventKind) isEnd() bool {
	return k == evSpawnFailed || k == evExited || k == evGone || k == evReadyTimeout
}

// event is an event in the life of a service.
type event struct {
	kind    eventKind
	exit    Exit
	own     bool     // with an exit: devports had not stopped the process yet
	needed  bool     // with an exit: another service depends on this one
	orphans []Orphan // background processes that the process has left
	serving bool     // one of the orphans listens on the service's port
	outage  Outage   // of a dependency, if it may have caused the exit
}

// action is what a transition makes the supervisor do.
type action int

const (
	spawn       action = iota // spawn the process
	drain                     // let it finish its requests
	terminate                 // send the stop signal to the group
	kill                      // send SIGKILL to the group
	cancelStart               // do not start the process of a step that waits for its turn

	startBuild     // spawn the build's process
	terminateBuild // send SIGTERM to the build's group
	killBuild      // send SIGKILL to the build's group
)

var actionNames = [...]string{"spawn", "drain", "terminate", "kill", "cancel start", "start build", "terminate build", "kill build"}

func (a action) String() string { return actionNames[a] }
