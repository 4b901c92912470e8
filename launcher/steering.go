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

// Steering lets any goroutine look at a run and steer it. Make one with
// [NewSteering], for one run.
type Steering struct {
	requests chan func(*supervisor)
	changed  chan struct{}
	over     chan struct{} // closed when the run has ended
}

// NewSteering returns a Steering for [Options.Steering].
func NewSteering() *Steering {
	return &Steering{requests: make(chan func(*supervisor)), changed: make(chan struct{}, 1), over: make(chan struct{})}
}

// Changed has a value when the services may have another Status than when one
// was last received from it. It is for one receiver.
func (st *Steering) Changed() <-chan struct{} { return st.changed }

// tell has Changed say so. A look at the services is no change: whoever looks
// at each would look for ever.
func (st *Steering) tell() {
	select {
	case st.changed <- struct{}{}:
	default:
	}
}

// ErrOver says that the run has ended.
var ErrOver = errors.New("the run has ended")

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
	StatePausing  State = "pausing"  // it has ended, and is started again in a while: Detail
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
	Since    time.Time `json:"since,omitzero"`    // when its process was started
	ReadyMS  float64   `json:"readyMS,omitempty"` // how many milliseconds after that it was ready
	Restarts int       `json:"restarts"`          // how often it has been started again

	// Unresponsive: it is ready, and did not answer when it was asked once more.
	Unresponsive bool `json:"unresponsive,omitempty"`

	// Outdated: it is to be restarted for a change of what it watches, and that
	// waits: Detail.
	Outdated bool `json:"outdated,omitempty"`

	// Ordered is just before its latest process was made: whatever changed before
	// that, the process has read as it is now. Zero: there has been none.
	Ordered time.Time `json:"-"`

	// Trial: it is ready because it has no check, and its process is so young
	// that it may yet fail at once.
	Trial bool `json:"-"`
}

// Settled reports whether a service has come to where it stays for now: ready,
// and not on trial, or ended.
func (s Status) Settled() bool {
	return s.State == StateReady && !s.Trial || s.Ended()
}

// Ended reports whether a service has no process and is not about to get one.
func (s Status) Ended() bool {
	return s.State == StateStopped || s.State == StateDone || s.State == StateFailed
}

// ask has do called by the supervisor's goroutine.
func (st *Steering) ask(ctx context.Context, do func(*supervisor)) error {
	done := make(chan struct{})
	select {
	case st.requests <- func(s *supervisor) { do(s); close(done) }:
		<-done
		return nil
	case <-st.over:
		return ErrOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status returns all services, by name.
func (st *Steering) Status(ctx context.Context) (all []Status, err error) {
	err = st.ask(ctx, func(s *supervisor) { all = s.statuses() })
	return all, err
}

// Members returns the pids of all processes of the services that live.
func (st *Steering) Members(ctx context.Context) (pids []int) {
	var children []child
	_ = st.ask(ctx, func(s *supervisor) { // a run that is over has none
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children = append(children, c)
			}
		}
	})
	for _, c := range children {
		pids = append(pids, c.Members()...)
	}
	return pids
}

// Ending reports whether the run is ending, or has ended.
func (st *Steering) Ending() (ending bool) {
	err := st.ask(context.Background(), func(s *supervisor) { ending = s.closing })
	return ending || err != nil
}

// Others returns the services of the plan that were not selected, nor started
// since, sorted.
func (st *Steering) Others(ctx context.Context) (names []string) {
	_ = st.ask(ctx, func(s *supervisor) { names = slices.Sorted(maps.Keys(s.others)) }) // a run that is over has none
	return names
}

// Start starts those of the services that do not run, and do not wait for
// others, Others among them. No names stand for all but those. The error may be an *UnknownServiceError.
func (st *Steering) Start(ctx context.Context, names ...string) error {
	return st.each(ctx, names, true, func(sv service) (eventKind, bool) {
		return evRestart, sv.phase == ended || sv.phase == backoff || sv.goal == goalStop || sv.goal == goalRemove
	})
}

// Restart ends services and starts them again; those that have ended are
// started, Others among them. No names stand for all but those. The error may be an *UnknownServiceError.
func (st *Steering) Restart(ctx context.Context, names ...string) error {
	return st.each(ctx, names, true, func(service) (eventKind, bool) { return evRestart, true })
}

// RestartOlder restarts those of the services whose latest process was made
// before the time that since returns. Otherwise it is Restart.
func (st *Steering) RestartOlder(ctx context.Context, since func(service string) time.Time, names ...string) error {
	return st.each(ctx, names, true, func(sv service) (eventKind, bool) {
		return evRestart, sv.ordered.Before(since(sv.spec.Service))
	})
}

// Stop ends services, which stay so until they are started. As long as one does,
// the run goes on, even if nothing runs. No names stand for all. The error may be
// an *UnknownServiceError.
func (st *Steering) Stop(ctx context.Context, names ...string) error {
	return st.each(ctx, names, false, func(service) (eventKind, bool) { return evStop, true })
}

// each has the services named, or all, do what is asked of each. With add, those
// can be named, too, that the run has not started.
func (st *Steering) each(ctx context.Context, names []string, add bool, what func(service) (eventKind, bool)) error {
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
			unknown = ErrOver
			return
		}
		if add {
			for _, name := range names {
				s.add(name)
			}
			s.changed = true
		}
		for _, name := range names {
			if kind, ok := what(s.services[name]); ok {
				s.apply(name, event{kind: kind})
			}
		}
	})
	return errors.Join(err, unknown)
}

// Down ends all services, and with them the run.
func (st *Steering) Down(ctx context.Context) error {
	return st.ask(ctx, func(s *supervisor) {
		s.asked = true
		s.close(Stopping{Reason: "devports down"})
	})
}

// Wait waits until the services are all as settled says, and returns them. No
// names stand for all. Errors are those of Start, and ctx's.
func (st *Steering) Wait(ctx context.Context, settled func(Status) bool, names ...string) ([]Status, error) {
	came := make(chan []Status, 1)
	var unknown error
	w := &waiter{names: names, settled: settled, came: came}
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
	case <-st.over:
		return nil, ErrOver
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
	came    chan<- []Status
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
		w.came <- wanted
		return true
	})
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
	status := Status{Service: name, Port: sv.spec.Port, Restarts: max(0, sv.spawned-1), Ordered: sv.ordered}
	if sv.phase.live() {
		status.Port = sv.made.Port
		if p := s.childOf(name); p != nil {
			status.PID, status.Since = p.PID(), sv.began
		}
	}
	switch sv.phase {
	case waiting:
		status.State = StateWaiting
		if on := s.missing(sv); on != "" {
			status.Detail = "needs " + on
		}
	case starting:
		status.State = StateStarting
	case running:
		switch {
		case sv.goal != goalNone:
			status.State = StateStopping
		case sv.ready:
			status.State, status.ReadyMS = StateReady, float64(sv.took.Microseconds())/1000
			status.Trial = !sv.deadline.IsZero()
		default:
			status.State, status.Detail = StateStarting, unready(sv.made, s.attempts[name].finding)
		}
	case backoff:
		status.State, status.Detail = StatePausing, fmt.Sprintf("%s; started again in %v", sv.exit, sv.delay)
	case stopping, killing:
		status.State = StateStopping
	case ended, removed:
		status.State = StateDone
		switch {
		case sv.held || sv.exit != nil && sv.exit.Asked:
			status.State = StateStopped
		case sv.exit != nil && sv.exit.Failed():
			status.State, status.Detail = StateFailed, sv.exit.String()
		}
	}
	return status
}
