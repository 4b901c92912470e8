package launcher

import (
	"context"
	"time"

	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Turn is the right of a run to run a step of the setup, like a lock: it
// begins when the dependencies of the step are available, and ends with the
// step. No other run has the turn of the step meanwhile.
type Turn struct {
	Needed bool // the step has to run
	// End ends the turn. If the step was needed, exit is how it ended on its
	// own; nil: it was stopped.
	End func(exit *Exit)
}

// setupState is what a service has to do with the setup. It is a value: the
// methods return its successor.
type setupState struct {
	upToDate bool // the latest turn of the step ended without a process
	forced   bool // the step runs at its next turn, or has run, although it may be up to date

	// succeededAt is when a process of the step last succeeded: what started
	// earlier has to start again.
	succeededAt time.Time
	// seen is when the service was last restarted because of a step.
	seen time.Time
}

// start returns the state at the start of a service.
func (s setupState) start() setupState {
	s.upToDate = false
	return s
}

// succeed returns the state after a process has succeeded, or a step was up to
// date. again reports whether the service is about to restart.
func (s setupState) succeed(now time.Time, again bool) setupState {
	s.forced = s.forced && again
	if !s.upToDate {
		s.succeededAt = now
	}
	return s
}

// renewable reports whether the service starts again when a step that it
// depends on has run: it is running, or is a step that has ended.
func (s service) renewable() bool {
	return s.phase == running && s.goal == goalNone ||
		s.phase == ended && s.spec.Setup != nil && !s.userStopped && s.exit != nil
}

// renewed reports whether a step that s depends on has run since s was started.
func (m *machine) renewed(s service) bool {
	for _, on := range s.spec.DependsOn {
		step, ok := m.services[on]
		if !ok || step.spec.Setup == nil || !step.available() {
			continue
		}
		if at := step.setup.succeededAt; s.spawnedAt.Before(at) && s.setup.seen.Before(at) {
			return true
		}
	}
	return false
}

// force makes a step run at its next turn even if it is up to date.
func (s *supervisor) force(name string) {
	if sv := s.services[name]; sv.spec.Setup != nil {
		sv.setup.forced = true
		s.set(name, sv)
	}
}

// startStep begins the turn of a step, which may have to wait for it, and then
// starts its process if that is needed. stopped is done once devports stops the
// step.
func (s *supervisor) startStep(stopped context.Context, sv service, size *terminal.Size) {
	spec, generation, forced := sv.procSpec, sv.generation, sv.setup.forced
	post := func(e event) { s.post(message{service: spec.Service, generation: generation, event: e}) }
	s.goroutines.Go(func() {
		turn, err := s.options.beginTurn(stopped, spec, forced)
		switch {
		case err != nil:
			post(event{kind: evSpawnFailed, exit: Exit{Status: 1, Err: err}})
		case !turn.Needed:
			turn.End(nil)
			post(event{kind: evUpToDate})
		default:
			s.spawners.do(func() { s.spawn(stopped, spec, size, generation, turn.End) })
		}
	})
}

func (o Options) beginTurn(ctx context.Context, step procfile.Process, force bool) (Turn, error) {
	if o.Setup == nil {
		return Turn{Needed: true, End: func(*Exit) {}}, nil
	}
	return o.Setup(ctx, step, force)
}
