package launcher

import (
	"time"

	"github.com/devports/devports/procfile"
)

// Event is something that has happened in a run: one of the types of this file.
type Event interface {
	// Subject is the service that the event is about; "" if it is about the run.
	Subject() string
	kind() string
}

// KindOf is a word that other programs may know the type of an event by.
func KindOf(e Event) string { return e.kind() }

// Started: the service has a process.
type Started struct {
	Service  string
	PID      int
	Port     int  // 0 for none
	HasCheck bool // Ready will follow, once its check has passed
}

// NotStarted: no process could be made.
type NotStarted struct {
	Service string
	Exit    Exit          // Err is the reason
	Retry   time.Duration // after that it is tried again; 0: it is not
}

// Blocked: the run is over, and the service never started.
type Blocked struct {
	Service string
	On      string // the service that it depends on, which was not ready
}

// Building: the build of the service begins.
type Building struct{ Service string }

// BuildFailed: the build of the service has failed.
type BuildFailed struct {
	Service string
	Exit    Exit
	Running bool // its process goes on, as it was built before
}

// Ready: the service's check has passed.
type Ready struct {
	Service string
	Port    int           // 0 for none
	Took    time.Duration // since the start of its process
}

// AllReady: all services that were not stopped are ready, or done, after the
// start of the run, an edit, or a restart that was asked for.
type AllReady struct {
	Services int
	Stopped  int
	Took     time.Duration // since the first of them was asked to start
}

// WrongPort: the service is not ready, and its processes listen elsewhere.
type WrongPort struct {
	Service string
	Port    int   // where it should listen
	Ports   []int // where it does
}

// NoListener: the service is not ready, nothing listens, and another waits.
type NoListener struct {
	Service string
	Port    int
	On      string // the service that waits for it
}

// WrongProtocol: the service is not ready, because its check asks over HTTP and
// it expects HTTPS.
type WrongProtocol struct {
	Service string
	Port    int
}

// Ended: the process of the service has ended, and nothing of it is left.
type Ended struct {
	Service string
	Exit    Exit
	Retry   time.Duration // after that it is started again; 0: it is not
	Orphans []Orphan      // what it had left in the background, and devports has ended
	Outage  Outage        // of one that it depends on, which may be why it has failed
	Rerun   bool          // it is run once more when that is back
}

// DependencyFailed: the service waits for one that has ended without having
// been ready.
type DependencyFailed struct {
	Service string
	On      string
}

// Killing: devports sends KILL to the processes of the service.
type Killing struct {
	Service string
	PID     int
}

// Unkillable: the process did not end when killed either; devports gives it up.
type Unkillable struct {
	Service   string
	PID       int
	Survivors []Orphan // what of it still lives, as far as is known
}

// Idle: no service has a process, and the run goes on because a change of the
// files that these watch starts them again.
type Idle struct{ Services []string }

// Stopping: devports stops all services.
type Stopping struct {
	Service string // because this one has ended
	Reason  string // or else because of a signal, or something else
	Signal  bool   // a signal: Reason is its name
}

// PlanChanged: the run follows a new plan.
type PlanChanged struct{ Changes []procfile.Change }

// NoWatchdog: nothing ends the services should devports be killed.
type NoWatchdog struct{ Err error }

// WatchdogReplaced: the watchdog has ended, and another has taken its place.
type WatchdogReplaced struct{}

// OrphansKilled: these were still there when all services had ended. Those
// without an Err are no more.
type OrphansKilled struct{ Orphans []Orphan }

// LeftRunning: the process is outside the run, see [procfile.Plan]. It goes on
// though the service that has started it, or the run, has ended.
type LeftRunning struct{ Process Orphan }

func (e Started) Subject() string          { return e.Service }
func (e NotStarted) Subject() string       { return e.Service }
func (e Blocked) Subject() string          { return e.Service }
func (e Building) Subject() string         { return e.Service }
func (e BuildFailed) Subject() string      { return e.Service }
func (e Ready) Subject() string            { return e.Service }
func (e WrongPort) Subject() string        { return e.Service }
func (e NoListener) Subject() string       { return e.Service }
func (e WrongProtocol) Subject() string    { return e.Service }
func (e Ended) Subject() string            { return e.Service }
func (e DependencyFailed) Subject() string { return e.Service }
func (e Killing) Subject() string          { return e.Service }
func (e Unkillable) Subject() string       { return e.Service }
func (e Stopping) Subject() string         { return e.Service }
func (AllReady) Subject() string           { return "" }
func (Idle) Subject() string               { return "" }
func (PlanChanged) Subject() string        { return "" }
func (NoWatchdog) Subject() string         { return "" }
func (OrphansKilled) Subject() string      { return "" }
func (WatchdogReplaced) Subject() string   { return "" }
func (e LeftRunning) Subject() string      { return e.Process.Service }

func (Started) kind() string          { return "started" }
func (NotStarted) kind() string       { return "not_started" }
func (Blocked) kind() string          { return "blocked" }
func (Building) kind() string         { return "building" }
func (BuildFailed) kind() string      { return "build_failed" }
func (Ready) kind() string            { return "ready" }
func (AllReady) kind() string         { return "all_ready" }
func (WrongPort) kind() string        { return "wrong_port" }
func (NoListener) kind() string       { return "no_listener" }
func (WrongProtocol) kind() string    { return "wrong_protocol" }
func (Ended) kind() string            { return "ended" }
func (DependencyFailed) kind() string { return "dependency_failed" }
func (Killing) kind() string          { return "killing" }
func (Unkillable) kind() string       { return "unkillable" }
func (Stopping) kind() string         { return "stopping" }
func (Idle) kind() string             { return "idle" }
func (PlanChanged) kind() string      { return "plan_changed" }
func (NoWatchdog) kind() string       { return "no_watchdog" }
func (OrphansKilled) kind() string    { return "orphans_killed" }
func (WatchdogReplaced) kind() string { return "watchdog_replaced" }
func (LeftRunning) kind() string      { return "left_running" }
