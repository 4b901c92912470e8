package launcher

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

// ofStep is a service in its initial state that is a step.
func ofStep() service {
	spec := procfile.Process{Service: "deps", Ready: procfile.Check{Kind: procfile.Done}, Setup: &procfile.Setup{}}
	return service{spec: spec}
}

func TestStep(t *testing.T) {
	failed, cancelled := Exit{Status: 3}, Exit{Status: 1, Err: errors.New("stopped")}
	for _, c := range []struct {
		name   string
		events []eventKind
		exit   Exit
		want   string
	}{
		{"it is up to date", []eventKind{evStart, evUpToDate}, Exit{}, "ended ready"},
		{"it runs", []eventKind{evStart, evStarted, evGone}, Exit{}, "ended ready"},
		{"it fails", []eventKind{evStart, evStarted, evGone}, failed, "ended failed"},
		{"it is tried again", []eventKind{evStart, evStarted, evGone, evRestart}, failed, "waiting"},
		{"stopped at its turn", []eventKind{evStart, evStop}, Exit{}, "starting/stop held: cancel start"},
		{"killed at its turn", []eventKind{evStart, evKill}, Exit{}, "starting/kill held: cancel start"},
		{"stopped before it has started", []eventKind{evStart, evStop, evSpawnFailed}, cancelled, "ended/stop held"},
		{"restarted at its turn", []eventKind{evStart, evRestart, evSpawnFailed}, cancelled, "waiting"},
		{"up to date and stopped at once", []eventKind{evStart, evStop, evUpToDate}, Exit{}, "ended/stop held"},
		{"a step that it depends on has run", []eventKind{evStart, evUpToDate, evRenewed}, Exit{}, "waiting"},
		{"it stays stopped", []eventKind{evStart, evUpToDate, evStop, evRenewed}, Exit{}, "ended/stop ready held"},
		{"it succeeds before it is stopped", []eventKind{evStart, evStarted, evStop, evGone}, Exit{}, "ended/stop ready held"},
		{"it fails before it is stopped", []eventKind{evStart, evStarted, evStop, evGone}, failed, "ended/stop held"},
		{"it succeeds once it is stopped", []eventKind{evStart, evStarted, evStop, evTerminate, evGone}, Exit{}, "ended/stop held"},
		{"not while it runs", []eventKind{evStart, evRenewed}, Exit{}, "starting"},
	} {
		s := ofStep()
		var actions []action
		for _, kind := range c.events {
			s, actions = s.next(epoch, event{kind: kind, exit: c.exit, own: s.phase == running})
		}
		if got := withActions(s, actions); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// setUp turns the jobs of a plan into steps, and makes services depend on them.
func setUp(f *fakeSystem, plan procfile.Plan) procfile.Plan {
	for i := range plan.Services {
		if p := &plan.Services[i]; p.Ready.Kind == procfile.Done {
			p.Setup, p.Restart = &procfile.Setup{}, procfile.RestartNo
		}
	}
	return plan
}

// Whatever is requested and whatever fails, every service that runs in the end
// was started after the steps that it depends on last ran, and a step's turns
// do not overlap.
func TestStepsUnderRandomEvents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.crashes = f.random(2) == 0
		turns, unfinished := map[string]bool{}, map[string]bool{} // guarded by f.mu
		f.setup = func(ctx context.Context, step procfile.Process, force bool) (Turn, error) {
			f.mu.Lock()
			if turns[step.Service] {
				t.Errorf("%s has two turns", step.Service)
			}
			turns[step.Service] = true
			f.mu.Unlock()
			end := func(exit *Exit) {
				f.mu.Lock()
				defer f.mu.Unlock()
				if exit != nil && *exit == (Exit{}) {
					unfinished[step.Service] = false
				}
				if !turns[step.Service] {
					t.Errorf("the turn of %s ends twice", step.Service)
				}
				turns[step.Service] = false
			}
			select {
			case <-time.After(time.Duration(f.random(int(startTime / 2)))):
			case <-ctx.Done():
				end(nil)
				return Turn{}, ctx.Err()
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if force || f.random(2) == 0 {
				unfinished[step.Service] = true // until it has succeeded, as in a real store
			}
			return Turn{Needed: unfinished[step.Service], End: end}, nil
		}
		r := f.start(setUp(f, withKeeper(randomPlan(f.random, 2+f.random(10)))))
		for range 10 {
			f.pause(20 * time.Second)
			var names []string
			for _, p := range r.plan.Services {
				if f.random(4) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			do := []func(context.Context, ...string) error{r.controller.Start, r.controller.Stop, r.controller.Restart}[f.random(3)]
			if len(names) > 0 {
				if err := do(t.Context(), names...); err != nil {
					t.Error(err)
				}
			}
		}
		f.mu.Lock()
		f.calm = true
		f.mu.Unlock()
		r.settle()
		f.mu.Lock()
		for _, p := range r.latest {
			for _, on := range p.spec.DependsOn {
				step := r.latest[on]
				if step == nil || step.spec.Setup == nil || !step.done || !p.alive || p.terminating {
					continue
				}
				if p.began.Before(step.began) {
					t.Errorf("%s runs, and %s has run since its start", p.spec.Service, on)
				}
			}
		}
		f.mu.Unlock()
		r.close()
		for name, open := range turns {
			if open {
				t.Errorf("the turn of %s has not ended", name)
			}
		}
	})
}

// A step that is to run again runs again, although it succeeds before it is
// stopped.
func TestRestartOfSucceedingStep(t *testing.T) {
	s := ofStep()
	s.setup.forced = true
	for _, kind := range []eventKind{evStart, evStarted, evRestart, evGone} {
		s, _ = s.next(epoch, event{kind: kind, own: true})
	}
	if got := withActions(s, nil); got != "waiting" || !s.setup.forced || s.setup.succeededAt != epoch {
		t.Errorf("%s, %+v", got, s.setup)
	}
}

// A step that an edit makes a service with a build gives up its turn.
func TestStepBecomesBuilt(t *testing.T) {
	s, _ := ofStep().next(epoch, event{kind: evStart})
	s.spec = procfile.Process{Service: "deps", Build: procfile.Program{Shell: "make"}}
	s, actions := s.next(epoch, event{kind: evRestart})
	if got := withActions(s, actions); got != "starting/restart: cancel start" {
		t.Error(got)
	}
}
