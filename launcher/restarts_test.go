package launcher

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/procfile"
)

// settled waits until the services of the run stay settled, however often they
// restart before.
func (r *fakeRun) settled() []Status {
	r.t.Helper()
	all, err := r.controller.Wait(r.t.Context(), Status.Settled)
	if err != nil {
		r.t.Error(err)
	}
	return all
}

// edited returns a plan with some services changed, some removed for now, and
// some with other dependencies.
func edited(random func(int) int, whole procfile.Plan) (plan procfile.Plan) {
	for _, spec := range whole.Services {
		switch {
		case spec.Service == keeper:
		case random(6) == 0:
			continue
		case random(3) == 0:
			spec.Shell = fmt.Sprint("edit ", random(1000))
		}
		plan.Services = append(plan.Services, spec)
	}
	for i, spec := range plan.Services {
		plan.Services[i].DependsOn = slices.DeleteFunc(slices.Clone(spec.DependsOn), func(name string) bool {
			_, there := plan.Service(name)
			return !there || random(8) == 0
		})
	}
	return plan
}

// Restarts and edits, in any order and at any time, leave everything running:
// no service starts while a dependency is not ready (see fakeRun.notify), and a
// job that failed only because of an outage succeeds in the end, though nothing
// else would start it again.
func TestEverythingRunsAfterRestarts(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.jobsNeedDependencies = true
		whole := withKeeper(randomPlan(f.random, 2+f.random(12)))
		for i := range whole.Services {
			whole.Services[i].Restart = procfile.RestartNo
		}
		r := f.start(whole)
		plan := whole
		for range 30 {
			f.pause(3 * time.Second)
			if f.random(4) == 0 {
				plan = edited(f.random, whole)
				r.edit(plan)
				continue
			}
			var names []string
			for _, p := range plan.Services {
				if f.random(2) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			if len(names) > 0 {
				if err := r.controller.Restart(t.Context(), names...); err != nil {
					t.Error(err)
				}
			}
		}
		all := r.settled()
		if len(all) != len(plan.Services) {
			t.Errorf("%d services of %d", len(all), len(plan.Services))
		}
		for _, st := range all {
			if !st.Up() {
				t.Errorf("in the end %s is %s: %s", st.Service, st.State, st.Detail)
			}
		}
		r.close()
	})
}

// The same with crashes: in the end, everything runs that can. A job that fails
// twice in a row as its dependency crashes may stay failed, as it may be the
// cause.
func TestEverythingRunsAfterCrashes(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.jobsNeedDependencies, f.crashes = true, true
		plan := withKeeper(randomPlan(f.random, 2+f.random(12)))
		for i, p := range plan.Services {
			plan.Services[i].Restart = procfile.RestartAlways
			if p.Ready.Kind == procfile.Done {
				plan.Services[i].Restart = procfile.RestartNo
			}
		}
		r := f.start(plan)
		for range 10 {
			f.pause(20 * time.Second)
			var names []string
			for _, p := range plan.Services {
				if f.random(3) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			if len(names) > 0 {
				if err := r.controller.Restart(t.Context(), names...); err != nil {
					t.Error(err)
				}
			}
		}
		f.mu.Lock()
		f.calm = true
		f.mu.Unlock()
		time.Sleep(5 * time.Minute)
		all := r.settled()
		f.mu.Lock()
		for _, st := range all {
			work := st.Service
			if (st.BlockedBy != Blocker{}) {
				work = st.BlockedBy.Service
			}
			if !st.Up() && f.outageFailures[work] < 2 {
				t.Errorf("in the end %s is %s: %s", st.Service, st.State, st.Detail)
			}
		}
		f.mu.Unlock()
		r.close()
	})
}

// A job that failed because its dependency was restarted, or crashed, runs
// again as soon as that is back; after crashes only once.
func TestJobRunsAgainAfterOutage(t *testing.T) {
	good, bad := event{kind: evGone}, event{kind: evGone, exit: Exit{Status: 3}}
	for _, test := range []struct {
		name string
		away any // the event of db after 10 s
		back time.Duration
		fail time.Duration // when the job fails
		want OutageReason
	}{
		{"removed by an edit", evRemove, 0, 11 * time.Second, OutageStop},
		{"no outage", nil, 0, 11 * time.Second, ""},
		{"restarted", evRestart, 0, 10 * time.Second, OutageRestart},
		{"stopped", evStop, 0, 20 * time.Minute, OutageStop},
		{"crashed", bad, 0, 11 * time.Second, OutageEnd},
		{"ended", good, 0, 11 * time.Second, OutageEnd},
		{"seen before the crash", bad, 0, 10*time.Second - endSkew, OutageEnd},
		{"long before the crash", bad, 0, 10*time.Second - endSkew - 1, ""},
		{"just back", evRestart, 12 * time.Second, 12*time.Second + reconnectTime, OutageRestart},
		{"long back", evRestart, 12 * time.Second, 13*time.Second + reconnectTime, ""},
	} {
		db := life(service{}, evStart, evStarted, evReady)
		events := []any{10 * time.Second}
		if test.away != nil {
			events = append(events, test.away)
		}
		if test.back > 0 {
			events = append(events, evTerminate, good, test.back-10*time.Second, evStart, evStarted, evReady)
		}
		db = life(db, events...)
		work := service{spec: procfile.Process{Ready: procfile.Check{Kind: procfile.Done}, DependsOn: []string{"db"}}}
		work = life(work, evStart, evStarted, test.fail, bad)
		m := machine{services: map[string]service{"db": db, "work": work}}
		if test.away == evRemove {
			delete(m.services, "db")
			m.removedDowntime = map[string]downtime{"db": db.downtime}
		}
		if got := m.rerunOutage("work"); got.Reason != test.want || got.Service != "" != (test.want != "") {
			t.Errorf("%s: run again for %q", test.name, got)
		}
		work.rerunDone = true
		m.services["work"] = work
		if got, want := m.rerunOutage("work").Reason, test.want; got != want && want != OutageEnd || want == OutageEnd && got != "" {
			t.Errorf("%s, for the second time: run again for %q", test.name, got)
		}
	}
}

// AllReady comes once after the start and once after each requested restart,
// measured from then; not after restarts by policy, nor when services were only
// stopped.
func TestAllReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.crashes = true
		f.random = func(n int) int {
			if n == int(time.Minute) {
				return n / 2 // the life of each process
			}
			return 0
		}
		plan := withKeeper(procfile.Plan{Services: []procfile.Process{
			{Service: "a", Ready: procfile.Check{Kind: procfile.None}, Restart: procfile.RestartAlways, DependsOn: []string{"work"}},
			{Service: "work", Ready: procfile.Check{Kind: procfile.Done}},
		}})
		r := f.start(plan)
		expect := func(want ...AllReady) {
			t.Helper()
			r.mu.Lock()
			defer r.mu.Unlock()
			if !slices.Equal(r.allReady, want) {
				t.Errorf("%+v, want %+v", r.allReady, want)
			}
		}
		all := AllReady{Services: 3}
		time.Sleep(10 * time.Minute)
		expect(all)
		time.Sleep(3 * time.Second) // the process is half-way
		if err := r.controller.Restart(t.Context(), "a", "work"); err != nil {
			t.Error(err)
		}
		r.settle()
		expect(all, all)
		if err := r.controller.Stop(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		r.settle()
		expect(all, all)
		if err := r.controller.Restart(t.Context(), keeper, "work"); err != nil {
			t.Error(err)
		}
		r.settle()
		expect(all, all, AllReady{Services: 2, Stopped: 1})
		r.close()
	})
}

// A wait ends for services that are blocked, and names the root cause; a
// backoff does not end it.
func TestBlockedBy(t *testing.T) {
	failed := service{phase: ended, exit: &Exit{Status: 3}}
	waitsFor := func(names ...string) service { return service{spec: procfile.Process{DependsOn: names}} }
	for _, test := range []struct {
		name string
		api  service
		want string
	}{
		{"failed", failed, "api"},
		{"stopped", service{phase: ended, userStopped: true}, "api"},
		{"ended well, without ever being ready", service{phase: ended, exit: &Exit{}}, "api"},
		{"in a pause", service{phase: backoff, exit: &Exit{Status: 3}}, ""},
		{"starting", service{phase: running}, ""},
		{"ending before a restart", service{phase: stopping, goal: goalRestart}, ""},
		{"waiting for a failure", waitsFor("db"), "db"},
		{"waiting for none", waitsFor("ok"), ""},
	} {
		m := machine{services: map[string]service{
			"api": test.api, "db": failed, "web": waitsFor("ok", "api"), "far": waitsFor("web"),
			"ok": {phase: running, ready: true},
		}}
		for _, name := range []string{"web", "far"} {
			if got := m.blocker(name); got != test.want {
				t.Errorf("%s: %s waits for %q, want %q", test.name, name, got, test.want)
			}
		}
	}
}

// A service does not start on a completed job while the job's dependency is
// unavailable.
func TestUnmetBehindJob(t *testing.T) {
	done := service{phase: ended, ready: true, exit: &Exit{}}
	done.spec = procfile.Process{DependsOn: []string{"db"}}
	done.procSpec = procfile.Process{Ready: procfile.Check{Kind: procfile.Done}, DependsOn: []string{"db"}}
	api := service{spec: procfile.Process{DependsOn: []string{"migrate"}}}
	m := machine{services: map[string]service{"migrate": done, "api": api, "db": {phase: running, ready: true}}}
	if got := m.unmetDependencies(api); got != nil {
		t.Errorf("all there: lacks %v", got)
	}
	m.services["db"] = service{phase: running, ready: true, goal: goalRestart}
	if got := m.unmetDependencies(api); !slices.Equal(got, []string{"db"}) {
		t.Errorf("db is restarted: lacks %v", got)
	}
}

func TestDependents(t *testing.T) {
	all := []Status{
		{Service: "api", DependsOn: []string{"migrate"}},
		{Service: "db"},
		{Service: "migrate", DependsOn: []string{"db"}},
		{Service: "off", DependsOn: []string{"db"}, State: StateStopped},
		{Service: "other"},
		{Service: "web", DependsOn: []string{"api", "db"}},
	}
	if got := Dependents(all, "db"); !slices.Equal(got, []string{"api", "migrate", "web"}) {
		t.Errorf("of db: %v", got)
	}
	if got := Dependents(all, "web", "api"); got != nil {
		t.Errorf("of web and api: %v", got)
	}
}
