package launcher

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// What each event of a shared service leads to. Its exit has failed, or was
// requested: "requested share down". "·" is no change.
func TestSharedTransitions(t *testing.T) {
	failed, requested := Exit{Status: 3}, Exit{Status: 143, Requested: true}
	table := map[string][4]string{ // up, failed down, failed gone, requested gone
		"waiting":            {"·", "·", "·", "·"},
		"starting":           {"running", "backoff", "ended failed", "ended"},
		"running":            {"·", "backoff", "ended failed", "ended"},
		"running ready":      {"·", "backoff ready", "ended ready failed", "ended ready"},
		"running/stop held":  {"·", "·", "·", "·"},
		"running/restart":    {"·", "·", "·", "·"},
		"backoff":            {"running", "·", "ended failed", "ended"},
		"stopping/stop held": {"·", "·", "·", "·"},
		"killing/kill held":  {"·", "·", "·", "·"},
		"ended":              {"running", "·", "·", "·"},
		"ended/stop held":    {"·", "·", "·", "·"},
	}
	for from, row := range table {
		s := parse(t, from)
		s.spec.Shared, s.procSpec.Shared = true, true
		s.deadline = time.Time{}
		for i, e := range []event{
			{kind: evShareUp},
			{kind: evShareDown, exit: failed},
			{kind: evShareGone, exit: failed},
			{kind: evShareGone, exit: requested},
		} {
			next, actions := s.next(epoch, e)
			got, want := withActions(next, actions), row[i]
			if want == "·" {
				want = from
			}
			if got != want {
				t.Errorf("%s + %s (%+v) → %s, want %s", from, e.kind, e.exit, got, want)
			}
			if !next.deadline.IsZero() {
				t.Errorf("%s + %s has a deadline", from, e.kind)
			}
		}
		own := parse(t, from) // is not affected
		for _, kind := range []eventKind{evShareUp, evShareDown, evShareGone} {
			if next, _ := own.next(epoch, event{kind: kind, exit: failed}); describe(next) != from {
				t.Errorf("%s + %s → %s", from, kind, describe(next))
			}
		}
	}
}

// The events of a shared service describe its state, and a restart that was too
// quick to be seen.
func TestSharedEvents(t *testing.T) {
	status := func(state State, started int) SharedState {
		return SharedState{Status: Status{State: state, LastStarted: at(time.Duration(started) * time.Second)}}
	}
	for _, test := range []struct {
		before, after SharedState
		want          []eventKind
		requested     bool
	}{
		{SharedState{}, status(StateStarting, 1), []eventKind{evShareUp}, false},
		{status(StateStarting, 1), status(StateReady, 1), []eventKind{evShareUp, evReady}, false},
		{status(StateReady, 1), status(StateReady, 2), []eventKind{evShareDown, evShareUp, evReady}, true},
		{status(StateReady, 1), status(StateStopping, 1), []eventKind{evShareDown}, true},
		{status(StateReady, 1), status(StateBackoff, 1), []eventKind{evShareDown}, false},
		{status(StateReady, 1), status(StateFailed, 1), []eventKind{evShareGone}, false},
		{status(StateReady, 1), status(StateStopped, 1), []eventKind{evShareGone}, true},
		{status(StateReady, 1), SharedState{Lost: true}, []eventKind{evShareDown}, false},
		{status(StateReady, 1), SharedState{Ended: true}, []eventKind{evShareGone}, true},
		{SharedState{}, SharedState{Err: errors.New("no")}, []eventKind{evShareGone}, false},
	} {
		var got []eventKind
		events := sharedEvents(test.before, test.after)
		for _, e := range events {
			got = append(got, e.kind)
		}
		if !slices.Equal(got, test.want) || events[0].exit.Requested != test.requested {
			t.Errorf("%+v → %+v: %v, requested %v", test.before, test.after, got, events[0].exit.Requested)
		}
	}
}

// fakeSharing is a run of shared services whose states change at random.
type fakeSharing struct {
	*fakeSystem
	mu        sync.Mutex // guards the fields below
	ready     map[string]bool
	lastReady map[string]time.Time
	following map[context.Context]string
	latest    map[string]context.Context // of the latest caller of Follow
	calm      bool                       // from now on, all become ready
}

func (f *fakeSharing) Follow(ctx context.Context, service string, update func(SharedState)) {
	f.mu.Lock()
	for other, name := range f.following {
		if name == service && other.Err() == nil {
			f.t.Errorf("%s is followed twice", service)
		}
	}
	f.following[ctx] = service
	f.latest[service] = ctx
	f.mu.Unlock()
	defer func() {
		f.pause(100 * time.Millisecond)
		f.set(ctx, service, false)
		f.mu.Lock()
		delete(f.following, ctx)
		f.mu.Unlock()
	}()
	select { // the run starts
	case <-time.After(time.Duration(f.random(int(5 * time.Second)))):
	case <-ctx.Done():
	}
	started := time.Now()
	for ctx.Err() == nil {
		state := []State{StateStarting, StateReady, StateReady, StateStopping, StateBackoff, StateFailed, StateStopped}[f.random(7)]
		f.mu.Lock()
		calm := f.calm
		f.mu.Unlock()
		if calm {
			state = StateReady
		}
		if state == StateStarting || f.random(3) == 0 {
			started = time.Now()
		}
		next := SharedState{Status: Status{State: state, LastStarted: started, Exit: "exited with status 1"}, StartedBy: "shop"}
		switch f.random(10) {
		case 0:
			next = SharedState{Lost: true}
		case 1:
			next = SharedState{Ended: true}
		}
		if calm {
			next = SharedState{Status: Status{State: StateReady, LastStarted: started}}
		}
		f.set(ctx, service, next.Status.State == StateReady)
		update(next)
		select {
		case <-time.After(time.Duration(f.random(int(10 * time.Second)))):
		case <-ctx.Done():
		}
	}
}

func (f *fakeSharing) set(ctx context.Context, service string, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.latest[service] != ctx {
		return
	}
	if f.ready[service] {
		f.lastReady[service] = time.Now()
	}
	f.ready[service] = ready
}

// Whatever happens to shared services, and whatever is requested, no service
// starts before those that it depends on are ready, no shared service gets a
// process here, none is followed twice, and in the end none is followed.
func TestSharedUnderRandomEvents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.crashes = true
		plan := withKeeper(randomPlan(f.random, 1+f.random(8)))
		shared := map[string]bool{}
		for i, p := range plan.Services {
			if p.Service != keeper && f.random(2) == 0 {
				p.DependsOn, p.Ready = nil, procfile.Check{Kind: procfile.TCP}
				plan.Services[i], shared[p.Service] = p.Mirror(), true
			}
		}
		sharing := &fakeSharing{fakeSystem: f, ready: map[string]bool{}, lastReady: map[string]time.Time{}, following: map[context.Context]string{}, latest: map[string]context.Context{}}
		notify := func(e Event) {
			started, ok := e.(Started)
			if !ok {
				return
			}
			p, _ := plan.Service(started.Service)
			sharing.mu.Lock()
			defer sharing.mu.Unlock()
			for _, on := range p.DependsOn {
				if shared[on] && !sharing.ready[on] && time.Since(sharing.lastReady[on]) > startTime {
					t.Errorf("%s is started, and the shared %s is not ready", p.Service, on)
				}
			}
		}
		f.out, f.current = output.New(io.Discard, output.Style{}), plan
		controller, signals, ended := NewController(), make(chan os.Signal, 4), make(chan int, 1)
		open := func(Options, func(Event)) operatingSystem { return f }
		go func() {
			ended <- statusOf(runOn(context.Background(), open, plan, Options{
				Output: f.out, Notify: notify, Signals: signals, Controller: controller, Sharing: sharing,
			}))
		}()
		for range 20 {
			f.pause(20 * time.Second)
			var names []string
			for _, p := range plan.Services {
				if f.random(3) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			do := []func(context.Context, ...string) error{controller.Start, controller.Stop, controller.Restart}[f.random(3)]
			if len(names) > 0 {
				if err := do(t.Context(), names...); err != nil {
					t.Error(err)
				}
			}
		}
		sharing.mu.Lock()
		sharing.calm = true
		sharing.mu.Unlock()
		for name := range shared {
			if err := controller.Start(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		all, err := controller.Status(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, st := range all {
			if shared[st.Service] && (st.State != StateReady || !st.Shared) {
				t.Errorf("in the end, %+v", st)
			}
			if shared[st.Service] && f.started[st.Service] > 0 {
				t.Errorf("%s has got a process", st.Service)
			}
		}
		signals <- os.Interrupt
		if status := <-ended; status != 0 {
			t.Errorf("status %d", status)
		}
		if err := f.out.Close(context.Background()); err != nil {
			t.Error(err)
		}
		for _, name := range sharing.following {
			t.Errorf("%s is still followed", name)
		}
	})
}
