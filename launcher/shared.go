package launcher

import (
	"context"
	"errors"
	"time"

	"github.com/devports/devports/procfile"
)

// Sharing connects a run with the services that all checkouts of a project share,
// which another run starts. A shared service has no process here: its state
// follows that of the other run.
type Sharing interface {
	// Follow uses a service, which is started if necessary, until ctx is done. It
	// calls update whenever the state of the service may have changed.
	Follow(ctx context.Context, service string, update func(SharedState))
}

// SharedState is the state of a shared service. One of the fields is set, or
// none at first.
type SharedState struct {
	Status Status // in the run that starts it
	Lost   bool   // that run was killed, and another one is about to start
	Ended  bool   // that run has ended, on request
	Err    error  // why there is no such run

	StartedBy string // the checkout that started that run
}

// sharedEvents returns the events that lead a service from its state to that of
// the shared one.
func sharedEvents(before, after SharedState) (events []event) {
	requested := Exit{Status: 128 + 15, Signal: "TERM", Requested: true}
	st := after.Status
	switch {
	case after.Err != nil:
		return []event{{kind: evShareGone, exit: Exit{Status: 1, Err: after.Err}}}
	case after.Ended:
		return []event{{kind: evShareGone, exit: requested}}
	case after.Lost:
		return []event{{kind: evShareDown, exit: Exit{Status: 128 + 9, Signal: "KILL"}}}
	}
	if old := before.Status; old.State != "" && !old.LastStarted.Equal(st.LastStarted) {
		// It was restarted since; its own end was not seen.
		events = append(events, event{kind: evShareDown, exit: requested})
	}
	switch st.State {
	case StateWaiting, StateStarting:
		events = append(events, event{kind: evShareUp})
	case StateReady:
		events = append(events, event{kind: evShareUp}, event{kind: evReady})
	case StateStopping:
		events = append(events, event{kind: evShareDown, exit: requested})
	case StateBackoff:
		events = append(events, event{kind: evShareDown, exit: exitOf(st)})
	case StateStopped:
		events = append(events, event{kind: evShareGone, exit: requested})
	case StateDone:
		events = append(events, event{kind: evShareGone})
	case StateFailed:
		events = append(events, event{kind: evShareGone, exit: exitOf(st)})
	}
	return events
}

// exitOf is the exit of a service that has failed in another run.
func exitOf(st Status) Exit {
	text := st.Exit
	if text == "" {
		text = "has failed"
	}
	return Exit{Status: 1, Err: errors.New(text)}
}

// nextShared is the transition for the events of a shared service. It has no
// actions: the service has no process here.
func (s service) nextShared(now time.Time, e event) service {
	following := s.phase == starting || s.phase == running || (s.phase == backoff || s.phase == ended) && !s.userStopped
	if !s.procSpec.Shared || !following || s.goal != goalNone {
		return s
	}
	switch e.kind {
	case evShareUp:
		switch s.phase {
		case running:
			return s
		case backoff, ended:
			s.generation++
			s.spawnedAt, s.exit, s.failedAt, s.outage = now, nil, time.Time{}, Outage{}
		}
		s.phase, s.startedAt, s.ready, s.readyAfter = running, now, false, 0
	case evShareDown:
		if s.phase == starting || s.phase == running {
			exit := e.exit
			s.phase, s.exit, s.deadline, s.delay = backoff, &exit, time.Time{}, 0
		}
	case evShareGone:
		if s.phase == ended {
			return s
		}
		exit := e.exit
		s.phase, s.exit = ended, &exit
		if exit.Failed() {
			s.failedAt = now
		} else if s.procSpec.Ready.Kind == procfile.Done && !exit.Requested {
			s.ready = true
		}
	}
	return s
}

// sharedReason is why a shared service is not available after an event.
func (e event) sharedReason() (reason OutageReason, ok bool) {
	switch {
	case !e.exit.Requested:
		return OutageEnd, false
	case e.kind == evShareDown:
		return OutageRestart, true
	case e.kind == evShareGone:
		return OutageStop, true
	}
	return OutageEnd, false
}

// follower follows a shared service in another run.
type follower struct {
	cancel context.CancelFunc
	state  SharedState
	joined bool // reported
}

// followShared starts to follow a service.
func (s *supervisor) followShared(name string) {
	s.leaveShared(name)
	s.processes[name] = &latestProcess{endRequested: func() {}, stopWatch: func() {}, stopDrain: func() {}}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{cancel: cancel}
	if s.followers == nil {
		s.followers = map[string]*follower{}
	}
	s.followers[name] = f
	s.goroutines.Go(func() {
		defer cancel()
		if s.options.Sharing == nil {
			s.post(message{service: name, follower: f, shared: SharedState{Err: errors.New("cannot be shared here")}})
			<-ctx.Done()
		} else {
			s.options.Sharing.Follow(ctx, name, func(state SharedState) {
				s.post(message{service: name, follower: f, shared: state})
			})
		}
		s.post(message{service: name, follower: f, event: event{kind: evGone}})
	})
}

// leaveShared stops following a service.
func (s *supervisor) leaveShared(name string) {
	if f := s.followers[name]; f != nil {
		f.cancel()
	}
}

// leaveAllShared stops following all services.
func (s *supervisor) leaveAllShared() {
	for _, f := range s.followers {
		f.cancel()
	}
}

// deliverShared applies what a follower reports.
func (s *supervisor) deliverShared(m message) {
	sv, known := s.services[m.service]
	switch f := m.follower; {
	case !known || s.followers[m.service] != f:
	case m.event.kind == evGone:
		if sv.procSpec.Shared && (sv.phase == stopping || sv.phase == killing) {
			s.apply(m.service, m.event)
		}
	default:
		before := f.state
		f.state = m.shared
		s.changed = true
		if m.shared.StartedBy != "" && !f.joined {
			f.joined = true
			s.options.Notify(Joined{m.service, m.shared.StartedBy})
		}
		for _, e := range sharedEvents(before, m.shared) {
			s.apply(m.service, e)
		}
	}
}

// addShared completes the status of a shared service.
func (s *supervisor) addShared(status *Status, sv service) {
	if !sv.spec.Shared {
		return
	}
	status.Shared = true
	f := s.followers[sv.spec.Service]
	if f == nil || sv.phase == waiting || sv.phase == stopping || sv.phase == killing || sv.goal != goalNone || sv.userStopped {
		return
	}
	status.StartedBy = f.state.StartedBy
	if f.state.StartedBy != "" {
		defer func() { status.Detail = sharedDetail(status.Detail, f.state.StartedBy) }()
	}
	there := f.state.Status
	switch {
	case f.state.Err != nil || f.state.Ended:
	case f.state.Lost:
		status.State, status.Detail = StateStarting, "the run that shares it was killed; starting it again"
	case there.State == "":
		status.State, status.Detail = StateStarting, "starting the run that shares it"
	default:
		status.State, status.Detail, status.Exit = there.State, there.Detail, there.Exit
		status.PID, status.Since, status.ReadyMS = there.PID, there.Since, there.ReadyMS
		status.Restarts, status.RestartAt, status.LastStarted = there.Restarts, there.RestartAt, there.LastStarted
		status.Build, status.BuildLines, status.Trial = there.Build, there.BuildLines, there.Trial
		if there.State == StateReady && !sv.ready {
			status.State = StateStarting
		}
	}
}

// sharedDetail is the detail of a shared service.
func sharedDetail(detail, startedBy string) string {
	if detail == "" {
		return "shared, started by " + startedBy
	}
	return detail + " (shared, started by " + startedBy + ")"
}

// ranElsewhere reports whether a service has run in another run.
func (s *supervisor) ranElsewhere(name string) bool {
	f := s.followers[name]
	return s.services[name].procSpec.Shared && f != nil && f.state.Err == nil
}

// stoppedElsewhere reports whether a user has stopped a shared service, in any
// checkout.
func (s service) stoppedElsewhere() bool {
	return s.procSpec.Shared && s.phase == ended && s.exit != nil && s.exit.Requested
}
