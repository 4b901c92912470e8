package launcher

import (
	"time"

	"github.com/devports/devports/procfile"
)

// Event is an event of a run: one of the types in this file.
type Event interface {
	// Subject returns the service that the event is about; "" for the whole
	// run.
	Subject() string
	kind() string
}

// KindOf returns the name of an event's type, for other programs:
// "not_started".
func KindOf(e Event) string { return e.kind() }

// Started: the process of the service was started.
type Started struct {
	Service  string
	PID      int
	Port     int  // 0 for none
	HasCheck bool // Ready follows once the check has passed
}

// NotStarted: the process could not be started.
type NotStarted struct {
	Service string
	Exit    Exit          // Err is the reason
	Retry   time.Duration // the delay before the next attempt; 0: there is none
}

// Blocked: the run has ended, and the service never started.
type Blocked struct {
	Service string
	On      string // the dependency that was not ready
}

// Building: the build of the service has started.
type Building struct{ Service string }

// BuildFailed: the build of the service has failed.
type BuildFailed struct {
	Service string
	Exit    Exit
	Running bool // the process of the previous build keeps running
}

// Ready: the service has passed its check.
type Ready struct {
	Service string
	Port    int           // 0 for none
	Took    time.Duration // since its process started
	Address string        // of the port, for its user; "" for none
}

// Joined: the run uses a service that all checkouts share.
type Joined struct {
	Service   string
	StartedBy string // the checkout that started the run of the shared services
}

// Listening: a service without a check listens on its port.
type Listening struct {
	Service string
	Port    int
	Address string
	Took    time.Duration // since its process started
}

// AllReady: all services that were not stopped are ready or done, after the run
// started, the plan changed, or a user restarted services.
type AllReady struct {
	Services int
	Stopped  int
	Took     time.Duration // since the first of them was due to start
}

// WrongPort: the service is not ready, and its processes listen on other ports.
type WrongPort struct {
	Service string
	Port    int   // that it should listen on
	Ports   []int // that it listens on
}

// NoListener: the service is not ready, no process of it listens, and another
// service waits for it.
type NoListener struct {
	Service string
	Port    int
	On      string // the waiting service
}

// WrongProtocol: the service is not ready because its check speaks HTTP and the
// service expects HTTPS.
type WrongProtocol struct {
	Service string
	Port    int
}

// Ended: the process of the service and all its children have ended.
type Ended struct {
	Service string
	Exit    Exit
	Retry   time.Duration // the delay before it is restarted; 0: it is not
	Orphans []Orphan      // background processes that it left, which devports has ended
	Outage  Outage        // of a dependency, if that may have caused the failure
	Rerun   bool          // it runs again once that dependency is back
	Shared  bool          // it ran elsewhere, where its output is
}

// UpToDate: the step need not run now.
type UpToDate struct{ Service string }

// DependencyFailed: the service waits for a dependency that has ended without
// becoming ready.
type DependencyFailed struct {
	Service string
	On      string
}

// Killing: devports sends SIGKILL to the processes of the service.
type Killing struct {
	Service string
	PID     int
}

// Unkillable: the process has not ended despite SIGKILL; devports gives up on
// it.
type Unkillable struct {
	Service   string
	PID       int
	Survivors []Orphan // those of its processes that are known to be alive
}

// Idle: no service has a process; the run waits for a change to the files that
// these services watch.
type Idle struct{ Services []string }

// Stopping: devports stops all services.
type Stopping struct {
	Service string // the service that has ended; or ""
	Reason  string // otherwise the name of the signal, or another reason
	Signal  bool   // Reason is the name of a signal
}

// PlanChanged: the run follows a new plan.
type PlanChanged struct{ Changes []procfile.Change }

// NoWatchdog: no watchdog ends the services if devports is killed.
type NoWatchdog struct{ Err error }

// WatchdogReplaced: the watchdog has ended, and a new one has started.
type WatchdogReplaced struct{}

// OrphansKilled: these processes were left when all services had ended. Those
// without an Err have been killed.
type OrphansKilled struct{ Orphans []Orphan }

// LeftRunning: the process is outside the run (see [procfile.Plan]). It keeps
// running though the service that started it, or the run, has ended.
type LeftRunning struct{ Process Orphan }

func (e Started) Subject() string          { return e.Service }
func (e Joined) Subject() string           { return e.Service }
func (e NotStarted) Subject() string       { return e.Service }
func (e Blocked) Subject() string          { return e.Service }
func (e Building) Subject() string         { return e.Service }
func (e BuildFailed) Subject() string      { return e.Service }
func (e Ready) Subject() string            { return e.Service }
func (e Listening) Subject() string        { return e.Service }
func (e WrongPort) Subject() string        { return e.Service }
func (e NoListener) Subject() string       { return e.Service }
func (e WrongProtocol) Subject() string    { return e.Service }
func (e Ended) Subject() string            { return e.Service }
func (e DependencyFailed) Subject() string { return e.Service }
func (e Killing) Subject() string          { return e.Service }
func (e Unkillable) Subject() string       { return e.Service }
func (e UpToDate) Subject() string         { return e.Service }
func (e Stopping) Subject() string         { return e.Service }
func (AllReady) Subject() string           { return "" }
func (Idle) Subject() string               { return "" }
func (PlanChanged) Subject() string        { return "" }
func (NoWatchdog) Subject() string         { return "" }
func (OrphansKilled) Subject() string      { return "" }
func (WatchdogReplaced) Subject() string   { return "" }
func (e LeftRunning) Subject() string      { return e.Process.Service }

func (Started) kind() string          { return "started" }
func (Listening) kind() string        { return "listening" }
func (Joined) kind() string           { return "joined" }
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
func (UpToDate) kind() string         { return "up_to_date" }
func (Stopping) kind() string         { return "stopping" }
func (Idle) kind() string             { return "idle" }
func (PlanChanged) kind() string      { return "plan_changed" }
func (NoWatchdog) kind() string       { return "no_watchdog" }
func (OrphansKilled) kind() string    { return "orphans_killed" }
func (WatchdogReplaced) kind() string { return "watchdog_replaced" }
func (LeftRunning) kind() string      { return "left_running" }
