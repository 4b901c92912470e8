package launcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Controller lets any goroutine look at a run and steer it. Make one with
// [NewController], for one run.
type Controller struct {
	requests chan func(*supervisor)
	changed  chan struct{}
	ended    chan struct{} // closed when the run has ended
}

// NewController returns a Controller for [Options.Controller].
func NewController() *Controller {
	return &Controller{requests: make(chan func(*supervisor)), changed: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Changed has a value when the services may have another Status than when one
// was last received from it. It is for one receiver.
func (st *Controller) Changed() <-chan struct{} { return st.changed }

// tell has Changed say so. A look at the services is no change: whoever looks
// at each would look for ever.
func (st *Controller) notifyChanged() {
	select {
	case st.changed <- struct{}{}:
	default:
	}
}

// ErrOver says that the run has ended.
var ErrEnded = errors.New("the run has ended")

// UnknownServiceError names services that the run does not have.
type UnknownServiceError struct{ Names, Known []string }

func (e *UnknownServiceError) Error() string {
	return "no service here is called " + strings.Join(e.Names, ", ")
}

// State is where a service stands, as its user sees it.
type State string

const (
	StateWaiting  State = "waiting"  // for what it depends on: Detail
	StateStarting State = "starting" // until its check has passed
	StateReady    State = "ready"    // its check has passed
	StateBackoff  State = "backoff"  // it has ended, and is started again in a while: Detail
	StateStopping State = "stopping" // it is being ended
	StateStopped  State = "stopped"  // as it was asked to
	StateDone     State = "done"     // it has ended well by itself
	StateFailed   State = "failed"   // it has ended otherwise: Detail
)

// Status is what is known of a service.
type Status struct {
	Service  string    `json:"service"`
	State    State     `json:"state"`
	Detail   string    `json:"detail,omitempty"`
	PID      int       `json:"pid,omitempty"`
	Port     int       `json:"port,omitempty"`
	Since    time.Time `json:"since,omitzero"`     // when its process was started
	ReadyMS  float64   `json:"ready_ms,omitempty"` // how many milliseconds after that it was ready
	Restarts int       `json:"restarts"`           // how often it has been started again

	// Started is just before its latest process was, even if that has ended: what
	// changed earlier, it has read as it is now.
	LastStarted time.Time `json:"last_started,omitzero"`
	DependsOn   []string  `json:"depends_on,omitempty"`
	// BlockedBy is why a service that waits will not start by itself.
	BlockedBy Blocker `json:"blocked_by,omitzero"`

	// Build is where its build stands, which State says nothing of: BuildWaiting,
	// BuildRunning, BuildFailure, or "" once the process is made of what was built
	// last. BuildLines are the last lines of one that has failed.
	Build      string   `json:"build,omitempty"`
	BuildLines []string `json:"build_lines,omitempty"`
	// Unresponsive: it is ready, and did not answer when it was asked once more.
	Unresponsive bool `json:"unresponsive,omitempty"`

	// Outdated: it is to be restarted for a change of what it watches, and that
	// waits: Detail.
	Outdated bool `json:"outdated,omitempty"`

	// Trial: it is ready because it has no check, and its process is so young
	// that it may yet fail at once.
	Trial bool `json:"-"`
}

// Label is the state with that of the build, where the state does not say it:
// "ready (building)".
func (s Status) Label() string {
	switch {
	case s.Build == BuildRunning:
		return string(s.State) + " (building)"
	case s.Build == BuildFailure && s.State != StateFailed:
		return string(s.State) + " (build failed)"
	}
	return string(s.State)
}

// Blocker is a service that has ended and will not start by itself. Others wait
// for it, be it by way of more that wait.
type Blocker struct {
	Service     string    `json:"service"`
	State       State     `json:"state"`
	Detail      string    `json:"detail,omitempty"`
	LastStarted time.Time `json:"last_started,omitzero"`
}

// Settled reports whether a service has come to where it stays for now: ready,
// and neither on trial nor being built, ended, or waiting for what will not come
// by itself.
func (s Status) Settled() bool {
	ready := s.State == StateReady && !s.Trial && (s.Build == "" || s.Build == BuildFailure)
	return ready || s.Ended() || s.BlockedBy != Blocker{}
}

// Up reports whether a service is ready, and not on trial, or done.
func (s Status) Up() bool {
	return (s.State == StateReady && !s.Trial || s.State == StateDone) && s.Build == ""
}

// Ended reports whether a service has no process and is not about to get one.
func (s Status) Ended() bool {
	return s.State == StateStopped || s.State == StateDone || s.State == StateFailed
}

// ask has do called by the supervisor's goroutine.
func (st *Controller) ask(ctx context.Context, do func(*supervisor)) error {
	done := make(chan struct{})
	select {
	case st.requests <- func(s *supervisor) { do(s); close(done) }:
		<-done
		return nil
	case <-st.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status returns all services, by name.
func (st *Controller) Status(ctx context.Context) (all []Status, err error) {
	err = st.ask(ctx, func(s *supervisor) { all = s.statuses() })
	return all, err
}

// Members returns the pids of all processes of the services that live.
func (st *Controller) Members(ctx context.Context) (pids []int) {
	var children []child
	_ = st.ask(ctx, func(s *supervisor) { // a run that is over has none
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

// Ending reports whether the run is ending, or has ended.
func (st *Controller) Ending() (ending bool) {
	err := st.ask(context.Background(), func(s *supervisor) { ending = s.closing })
	return ending || err != nil
}

// Others returns the services of the plan that were not selected, nor started
// since, sorted.
func (st *Controller) Inactive(ctx context.Context) (names []string) {
	_ = st.ask(ctx, func(s *supervisor) { names = slices.Sorted(maps.Keys(s.others)) }) // a run that is over has none
	return names
}

// Start starts those of the services that do not run, and do not wait for
// others, Others among them, and what they depend on that has ended. No names
// stand for all but Others. The error may be an *UnknownServiceError.
func (st *Controller) Start(ctx context.Context, names ...string) error {
	return st.all(ctx, names, true, func(s *supervisor, names []string) {
		s.startIdle(names)
		s.startDependencies(names)
	})
}

// Restart ends services and starts them again; those that have ended are
// started, Others among them, and so is what they depend on. No names stand for
// all but Others. The error may be an *UnknownServiceError.
func (st *Controller) Restart(ctx context.Context, names ...string) error {
	return st.restart(ctx, names, func(service) bool { return true })
}

// RestartOlder is Restart without those whose latest process was started since.
func (st *Controller) RestartOlder(ctx context.Context, since time.Time, names ...string) error {
	return st.restart(ctx, names, func(sv service) bool { return sv.spawnedAt.Before(since) })
}

func (st *Controller) restart(ctx context.Context, names []string, wanted func(service) bool) error {
	return st.all(ctx, names, true, func(s *supervisor, names []string) {
		for _, name := range names {
			if wanted(s.services[name]) {
				s.apply(name, event{kind: evRestart})
			}
		}
		s.startDependencies(names)
	})
}

// Rerun is Restart for services whose files have changed, at these times, unless
// their latest process was started since. It starts nothing that they depend on,
// as a user may have stopped that.
func (st *Controller) RestartChanged(ctx context.Context, changed map[string]time.Time) error {
	names := slices.Sorted(maps.Keys(changed))
	if len(names) == 0 {
		return nil
	}
	return st.each(ctx, names, true, func(sv service) (eventKind, bool) {
		return evRestart, sv.spawnedAt.Before(changed[sv.spec.Service])
	})
}

// Stop ends services, which stay so until they are started. As long as one does,
// the run goes on, even if nothing runs. No names stand for all. The error may be
// an *UnknownServiceError.
func (st *Controller) Stop(ctx context.Context, names ...string) error {
	return st.each(ctx, names, false, func(service) (eventKind, bool) { return evStop, true })
}

// each has the services named, or all, do what is asked of each; see all.
func (st *Controller) each(ctx context.Context, names []string, add bool, what func(service) (eventKind, bool)) error {
	return st.all(ctx, names, add, func(s *supervisor, names []string) {
		for _, name := range names {
			if kind, ok := what(s.services[name]); ok {
				s.apply(name, event{kind: kind})
			}
		}
	})
}

// all has do called with the services named, or all, unless the run is ending.
// With add, those can be named, too, that the run has not started.
func (st *Controller) all(ctx context.Context, names []string, add bool, do func(s *supervisor, names []string)) error {
	var unknown error
	err := st.ask(ctx, func(s *supervisor) {
		if len(names) == 0 {
			names = s.names
		}
		known := slices.Clone(s.names)
		if add {
			known = slices.AppendSeq(known, maps.Keys(s.others))
			slices.Sort(known)
			known = slices.Compact(known) // one that is being removed is both
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

// startIdle starts those of the services that do not run, nor wait for others.
func (s *supervisor) startIdle(names []string) {
	for _, name := range names {
		if sv := s.services[name]; sv.phase == ended || sv.phase == backoff || sv.goal == goalStop || sv.goal == goalRemove {
			s.apply(name, event{kind: evRestart})
		}
	}
}

// startDependencies starts what the services depend on, be it by way of others,
// that has failed or was stopped: else they would wait for it for as long.
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

// Dependents are the services among all that depend on those named, be it by
// way of others, and were not stopped, sorted.
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

// Down ends all services, and with them the run.
func (st *Controller) Down(ctx context.Context) error {
	return st.ask(ctx, func(s *supervisor) {
		s.stopRequested = true
		s.close(Stopping{Reason: "devports down"})
	})
}

// Wait waits until the services are all as settled says, and returns them. No
// names stand for all. Errors are those of Start, and ctx's.
func (st *Controller) Wait(ctx context.Context, settled func(Status) bool, names ...string) ([]Status, error) {
	came := make(chan []Status, 1)
	var unknown error
	w := &waiter{names: names, settled: settled, result: came}
	if err := st.ask(ctx, func(s *supervisor) {
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
	case all := <-came:
		return all, nil
	case <-st.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		_ = st.ask(context.WithoutCancel(ctx), func(s *supervisor) {
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

// answerWaiters tells those who wait for what is so now.
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

// how is the state of a service that has ended, as the end of a sentence.
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
	status := Status{Service: name, Port: sv.spec.Port, Restarts: max(0, sv.generation-1), LastStarted: sv.spawnedAt, DependsOn: sv.spec.DependsOn}
	if sv.phase.live() {
		status.Port = sv.procSpec.Port
		if p := s.childOf(name); p != nil {
			status.PID, status.Since = p.PID(), sv.startedAt
		}
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
			status.State, status.Detail = StateStarting, describeNotReady(sv.procSpec, s.attempts[name].finding)
		}
	case backoff:
		status.State, status.Detail = StateBackoff, fmt.Sprintf("%s; started again in %v", sv.exit, sv.delay)
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
	return status
}
