package launcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/procfile"
)

// Controller lets any goroutine query and control a run. Create it with
// [NewController]; it serves one run.
type Controller struct {
	requests chan func(*supervisor)
	ended    chan struct{} // closed when the run has ended
	watchers watchers
}

// NewController returns a Controller for [Options.Controller].
func NewController() *Controller {
	return &Controller{requests: make(chan func(*supervisor)), ended: make(chan struct{})}
}

// Watch returns a channel that has a value, and receives another when the services
// may have another Status than when the previous one was received, until stop is
// called.
func (c *Controller) Watch() (changed <-chan struct{}, stop func()) { return c.watchers.add() }

// NotifyWatchers makes the channels of Watch receive a value, although no Status has
// changed.
func (c *Controller) NotifyWatchers() { c.watchers.notify() }

// Ended returns a channel that is closed when the run has ended.
func (c *Controller) Ended() <-chan struct{} { return c.ended }

// watchers are the channels of Watch. The zero value has none.
type watchers struct {
	mu  sync.Mutex // guards all
	all []chan struct{}
}

func (w *watchers) add() (changed <-chan struct{}, stop func()) {
	one := make(chan struct{}, 1)
	one <- struct{}{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	return one, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = slices.DeleteFunc(w.all, func(other chan struct{}) bool { return other == one })
	}
}

// notify sends to all channels. Queries of the status do not call it: a receiver
// that queries it each time would otherwise loop forever.
func (w *watchers) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.all {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}

// ErrEnded says that the run has ended.
var ErrEnded = errors.New("the run has ended")

// UnknownServiceError lists names that are no services of the run.
type UnknownServiceError struct{ Names, Known []string }

func (e *UnknownServiceError) Error() string {
	return "no such service: " + strings.Join(e.Names, ", ")
}

// State is the state of a service, as its user sees it.
type State string

const (
	StateWaiting  State = "waiting"  // for a dependency: Detail
	StateStarting State = "starting" // until its check has passed
	StateReady    State = "ready"    // its check has passed
	StateBackoff  State = "backoff"  // it has ended and will be restarted: Detail
	StateStopping State = "stopping" // it has been asked to end
	StateStopped  State = "stopped"  // by a user
	StateDone     State = "done"     // it has ended successfully on its own
	StateFailed   State = "failed"   // it has failed: Detail
)

// Status describes a service.
type Status struct {
	Service  string    `json:"service"`
	State    State     `json:"state"`
	Detail   string    `json:"detail,omitempty"`
	PID      int       `json:"pid,omitempty"`
	Port     int       `json:"port,omitempty"`
	Address  string    `json:"address,omitempty"`  // of Port, for its user, unless it is not known whether anything will listen
	Since    time.Time `json:"since,omitzero"`     // when its process started
	ReadyMS  float64   `json:"ready_ms,omitempty"` // milliseconds from then until it was ready
	Restarts int       `json:"restarts"`           // how often its process was started again
	Position int       `json:"position,omitempty"` // its place in the file: 1 for the first service
	Step     bool      `json:"step,omitempty"`     // it is a step of the set-up

	Exit      string    `json:"exit,omitempty"`      // how its latest process ended; "" while it runs
	RestartAt time.Time `json:"restart_at,omitzero"` // when StateBackoff ends

	// LastStarted is just before its latest process was spawned, even if that
	// has ended: the process has read every file that changed earlier.
	LastStarted time.Time `json:"last_started,omitzero"`
	DependsOn   []string  `json:"depends_on,omitempty"`
	// BlockedBy is why a waiting service will not start on its own.
	BlockedBy Blocker `json:"blocked_by,omitzero"`

	// Build is the state of its build, independent of State: BuildWaiting,
	// BuildRunning, BuildFailure, or "" once its process is of the latest
	// build. BuildLines are the last lines that a failed build printed.
	Build      string   `json:"build,omitempty"`
	BuildLines []string `json:"build_lines,omitempty"`
	// Unresponsive: it is ready, but did not answer a recheck.
	Unresponsive bool `json:"unresponsive,omitempty"`

	// Outdated: a file that it watches has changed, but its restart is delayed:
	// Detail.
	Outdated bool `json:"outdated,omitempty"`

	// Shared: all checkouts of the project share it, and another run has started
	// it; StartedBy is the checkout that has started that run.
	Shared    bool   `json:"shared,omitempty"`
	StartedBy string `json:"started_by,omitempty"`

	// Host is its label in named addresses, and HostHeader the Host that it
	// gets for them; "" for that of the request.
	Host       string `json:"-"`
	HostHeader string `json:"-"`

	NamedPorts map[string]int `json:"-"` // its additional ports

	// WrongPorts are where it listens instead of Port, if it is not ready.
	WrongPorts []int `json:"-"`

	// Trial: it counts as ready because it has no check, but its process is so
	// young that it may still fail at once.
	Trial bool `json:"-"`
}

// Label is the state, with that of the build where it differs: "ready
// (building)".
func (s Status) Label() string {
	switch {
	case s.Build == BuildRunning:
		return string(s.State) + " (building)"
	case s.Build == BuildFailure && s.State != StateFailed:
		return string(s.State) + " (build failed)"
	}
	return string(s.State)
}

// Blocker is a service that has ended and will not start on its own, while
// others wait for it, directly or not.
type Blocker struct {
	Service     string    `json:"service"`
	State       State     `json:"state"`
	Detail      string    `json:"detail,omitempty"`
	LastStarted time.Time `json:"last_started,omitzero"`
}

// Settled reports whether the state of a service is final for now: it has
// ended, is blocked, or is ready and neither on trial nor being built.
func (s Status) Settled() bool {
	ready := s.State == StateReady && !s.Trial && (s.Build == "" || s.Build == BuildFailure)
	return ready || s.Ended() || s.BlockedBy != Blocker{}
}

// Up reports whether a service is done, or ready and not on trial.
func (s Status) Up() bool {
	return (s.State == StateReady && !s.Trial || s.State == StateDone) && s.Build == ""
}

// Ended reports whether a service has no process and none is about to start.
func (s Status) Ended() bool {
	return s.State == StateStopped || s.State == StateDone || s.State == StateFailed
}

// ask runs do in the supervisor's goroutine.
func (c *Controller) ask(ctx context.Context, do func(*supervisor)) error {
	done := make(chan struct{})
	select {
	case c.requests <- func(s *supervisor) { do(s); close(done) }:
		<-done
		return nil
	case <-c.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status returns all services, sorted by name.
func (c *Controller) Status(ctx context.Context) (all []Status, err error) {
	err = c.ask(ctx, func(s *supervisor) { all = s.statuses() })
	return all, err
}

// Members returns the pids of all live processes of the services.
func (c *Controller) Members(ctx context.Context) (pids []int) {
	var children []child
	_ = c.ask(ctx, func(s *supervisor) { // ErrEnded: there are none
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children = append(children, c)
			}
			if b := s.builders[name]; b != nil && b.child != nil && s.services[name].build.live() {
				children = append(children, b.child)
			}
		}
	})
	for _, c := range children {
		pids = append(pids, c.Members()...)
	}
	return pids
}

// Ending reports whether the run is stopping or has ended.
func (c *Controller) Ending() (ending bool) {
	err := c.ask(context.Background(), func(s *supervisor) { ending = s.closing })
	return ending || err != nil
}

// Inactive returns the services of the plan that were neither selected nor
// started since, sorted.
func (c *Controller) Inactive(ctx context.Context) (names []string) {
	_ = c.ask(ctx, func(s *supervisor) { names = slices.Sorted(maps.Keys(s.others)) }) // ErrEnded: there are none
	return names
}

// Start starts the services named that are neither running nor waiting,
// inactive ones included, and those of their dependencies that have ended. No
// names stand for all but the inactive ones. The error may be an
// *UnknownServiceError.
func (c *Controller) Start(ctx context.Context, names ...string) error {
	return c.all(ctx, names, true, func(s *supervisor, names []string) {
		s.startIdle(names)
		s.startDependencies(names)
	})
}

// Restart restarts the services named, and starts those that have ended or are
// inactive, and their dependencies. No names stand for all but the inactive
// ones. The error may be an *UnknownServiceError.
func (c *Controller) Restart(ctx context.Context, names ...string) error {
	return c.restart(ctx, names, func(service) bool { return true })
}

// RestartOlder is Restart, except for services whose latest process was spawned
// after since.
func (c *Controller) RestartOlder(ctx context.Context, since time.Time, names ...string) error {
	return c.restart(ctx, names, func(sv service) bool { return sv.spawnedAt.Before(since) })
}

func (c *Controller) restart(ctx context.Context, names []string, wanted func(service) bool) error {
	return c.all(ctx, names, true, func(s *supervisor, names []string) {
		for _, name := range names {
			if wanted(s.services[name]) {
				s.force(name)
				s.apply(name, event{kind: evRestart})
			}
		}
		s.startDependencies(names)
	})
}

// RestartChanged restarts services whose files changed at the given times,
// except for those spawned after that, and those that a user has stopped. It
// does not start their dependencies, which a user may have stopped as well.
func (c *Controller) RestartChanged(ctx context.Context, changed map[string]time.Time) error {
	names := slices.Sorted(maps.Keys(changed))
	if len(names) == 0 {
		return nil
	}
	return c.each(ctx, names, true, func(sv service) (eventKind, bool) {
		return evRestart, !sv.userStopped && sv.spawnedAt.Before(changed[sv.spec.Service])
	})
}

// Stop stops the services named until they are started again. The run continues
// while a service is stopped, even if no other runs. No names stand for all.
// The error may be an *UnknownServiceError.
func (c *Controller) Stop(ctx context.Context, names ...string) error {
	return c.each(ctx, names, false, func(service) (eventKind, bool) { return evStop, true })
}

// each applies the event that choose returns to each of the services named; see
// all.
func (c *Controller) each(ctx context.Context, names []string, add bool, choose func(service) (eventKind, bool)) error {
	return c.all(ctx, names, add, func(s *supervisor, names []string) {
		for _, name := range names {
			if kind, ok := choose(s.services[name]); ok {
				s.apply(name, event{kind: kind})
			}
		}
	})
}

// all calls do with the services named, or with all, unless the run is ending.
// With add, inactive services may be named as well.
func (c *Controller) all(ctx context.Context, names []string, add bool, do func(s *supervisor, names []string)) error {
	var unknown error
	err := c.ask(ctx, func(s *supervisor) {
		if len(names) == 0 {
			names = s.names
		}
		known := slices.Clone(s.names)
		if add {
			known = slices.AppendSeq(known, maps.Keys(s.others))
			slices.Sort(known)
			known = slices.Compact(known) // a service that is being removed is in both
		}
		if missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) }); len(missing) > 0 {
			unknown = &UnknownServiceError{missing, known}
			return
		}
		if s.closing {
			unknown = ErrEnded
			return
		}
		if add {
			for _, name := range names {
				s.add(name)
			}
			s.changed = true
		}
		do(s, names)
	})
	return errors.Join(err, unknown)
}

// startIdle starts those of the services that are neither running nor waiting.
func (s *supervisor) startIdle(names []string) {
	for _, name := range names {
		if sv := s.services[name]; sv.phase == ended || sv.phase == backoff || sv.goal == goalStop || sv.goal == goalRemove {
			s.apply(name, event{kind: evRestart})
		}
	}
}

// startDependencies starts the dependencies of the services, direct or not,
// that have failed or were stopped: the services would wait for them forever.
func (s *supervisor) startDependencies(names []string) {
	for i, on := 0, slices.Clone(names); i < len(on); i++ {
		for _, name := range s.services[on[i]].spec.DependsOn {
			sv, ok := s.services[name]
			if !ok || slices.Contains(on, name) {
				continue
			}
			on = append(on, name)
			if !sv.available() {
				s.startIdle([]string{name})
			}
		}
	}
}

// Dependents returns the services among all that depend on the named ones,
// directly or not, and were not stopped, sorted.
func Dependents(all []Status, names ...string) (dependents []string) {
	for on := slices.Clone(names); len(on) > 0; on = on[1:] {
		for _, st := range all {
			known := slices.Contains(names, st.Service) || slices.Contains(dependents, st.Service)
			if !known && slices.Contains(st.DependsOn, on[0]) && st.State != StateStopped {
				dependents, on = append(dependents, st.Service), append(on, st.Service)
			}
		}
	}
	slices.Sort(dependents)
	return dependents
}

// Down stops all services and ends the run.
func (c *Controller) Down(ctx context.Context) error { return c.End(ctx, "devports down") }

// End is Down for another reason.
func (c *Controller) End(ctx context.Context, reason string) error {
	return c.ask(ctx, func(s *supervisor) {
		s.stopRequested = true
		s.close(Stopping{Reason: reason})
	})
}

// Wait waits until settled holds for all the services named, and returns them.
// No names stand for all. It returns the errors of Start, and ctx.Err().
func (c *Controller) Wait(ctx context.Context, settled func(Status) bool, names ...string) ([]Status, error) {
	result := make(chan []Status, 1)
	var unknown error
	w := &waiter{names: names, settled: settled, result: result}
	if err := c.ask(ctx, func(s *supervisor) {
		for _, name := range names {
			if _, known := s.services[name]; !known {
				unknown = &UnknownServiceError{[]string{name}, slices.Clone(s.names)}
				return
			}
		}
		s.waiters = append(s.waiters, w)
	}); err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, unknown
	}
	select {
	case all := <-result:
		return all, nil
	case <-c.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		_ = c.ask(context.WithoutCancel(ctx), func(s *supervisor) {
			s.waiters = slices.DeleteFunc(s.waiters, func(other *waiter) bool { return other == w })
		})
		return nil, ctx.Err()
	}
}

// waiter is one call of Wait.
type waiter struct {
	names   []string
	settled func(Status) bool
	result  chan<- []Status
}

// answerWaiters completes the calls of Wait whose condition holds now.
func (s *supervisor) answerWaiters() {
	if len(s.waiters) == 0 {
		return
	}
	all := s.statuses()
	s.waiters = slices.DeleteFunc(s.waiters, func(w *waiter) bool {
		var wanted []Status
		for _, status := range all {
			if len(w.names) > 0 && !slices.Contains(w.names, status.Service) {
				continue
			}
			if !w.settled(status) {
				return false
			}
			wanted = append(wanted, status)
		}
		w.result <- wanted
		return true
	})
}

// outcome describes how a service has ended, at the end of a sentence.
func (s Status) outcome() string {
	switch s.State {
	case StateFailed:
		return "has failed"
	case StateStopped:
		return "is stopped"
	}
	return "has ended"
}

func (s *supervisor) statuses() []Status {
	all := make([]Status, 0, len(s.names))
	for _, name := range s.names {
		all = append(all, s.statusOf(name))
	}
	return all
}

func (s *supervisor) statusOf(name string) Status {
	sv := s.services[name]
	status := Status{Service: name, Position: sv.spec.Position, Step: sv.spec.Setup != nil, Port: sv.spec.Port, Restarts: max(0, sv.generation-1), LastStarted: sv.spawnedAt, DependsOn: sv.spec.DependsOn}
	status.Host, status.HostHeader, status.NamedPorts = sv.spec.Host, sv.spec.HostHeader, sv.spec.NamedPorts
	if sv.phase.live() {
		status.Port = sv.procSpec.Port
		if p := s.childOf(name); p != nil {
			status.PID, status.Since = p.PID(), sv.startedAt
		}
	}
	if a := s.attempts[name]; sv.spec.Ready.Kind != procfile.None || a != nil && a.listening {
		status.Address = sv.spec.Address
	}
	if !sv.phase.live() && sv.exit != nil {
		status.Exit = sv.exit.String()
	}
	switch sv.phase {
	case waiting:
		status.State = StateWaiting
		if on := s.unmetDependency(sv); on != "" {
			status.Detail = "needs " + on
		}
		if on := s.blocker(name); on != "" {
			root := s.statusOf(on)
			status.BlockedBy = Blocker{on, root.State, root.Detail, root.LastStarted}
			status.Detail = "waits for " + on + ", which " + root.outcome()
		}
	case starting:
		status.State = StateStarting
	case running:
		switch {
		case sv.goal != goalNone:
			status.State = StateStopping
		case sv.ready:
			status.State, status.ReadyMS = StateReady, float64(sv.readyAfter.Microseconds())/1000
			status.Trial = !sv.deadline.IsZero()
		default:
			finding := s.attempts[name].finding
			status.State, status.Detail = StateStarting, describeNotReady(sv.procSpec, finding)
			if wrong, ok := finding.(WrongPort); ok {
				status.WrongPorts = wrong.Ports
			}
		}
	case backoff:
		status.State, status.RestartAt = StateBackoff, sv.deadline
		left := max(time.Until(sv.deadline), 0) + time.Second - 1 // rounded up
		status.Detail = fmt.Sprintf("%s; restarting in %d s", sv.exit, left/time.Second)
	case stopping, killing:
		status.State = StateStopping
	case ended, removed:
		status.State = StateDone
		switch {
		case sv.userStopped || sv.exit != nil && sv.exit.Requested:
			status.State = StateStopped
		case sv.exit != nil && sv.exit.Failed():
			status.State, status.Detail = StateFailed, sv.exit.String()
			if during := sv.outage.String(); during != "" {
				status.Detail += " " + during
			}
		}
	}
	s.addBuild(&status, sv)
	s.addShared(&status, sv)
	return status
}
