package launcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/procfile"
)

// compiled is a service that has a build.
func compiled() service {
	return service{spec: procfile.Process{Build: procfile.Program{Shell: "make"}, Ready: procfile.Check{Kind: procfile.TCP}}}
}

// The effect of a build on a service, step by step. A step is an event and the
// resulting state: phase[/goal] build [actions].
func TestBuild(t *testing.T) {
	good, bad := Exit{}, Exit{Status: 2}
	type step struct {
		event event
		want  string
	}
	do := func(kind eventKind, want string) step { return step{event{kind: kind}, want} }
	first := []step{
		do(evBuild, "waiting building: start build"),
		do(evBuildStarted, "waiting building"),
		do(evBuildGone, "waiting built"),
		do(evStart, "starting built: spawn"),
		do(evStarted, "running built"),
		do(evReady, "running built"),
	}
	change := []step{
		do(evRestart, "running unbuilt"),
		do(evBuild, "running building: start build"),
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"a change is built while the old process runs", slices.Concat(first, change, []step{
			do(evBuildGone, "running/restart built"),
			do(evTerminate, "stopping/restart built: terminate"),
			do(evGone, "waiting built"),
			do(evStart, "starting built: spawn"),
		})},
		{"the old process survives a build that fails", slices.Concat(first, change, []step{
			{event{kind: evBuildGone, exit: bad}, "running failed"},
			do(evRestart, "running unbuilt"),
			do(evBuild, "running building: start build"),
			do(evBuildGone, "running/restart built"),
		})},
		{"without an old process the service has failed", []step{
			do(evBuild, "waiting building: start build"),
			{event{kind: evBuildGone, exit: bad}, "ended failed"},
			do(evRestart, "waiting unbuilt"),
			do(evBuild, "waiting building: start build"),
			do(evBuildGone, "waiting built"),
		}},
		{"a change ends the build, and another follows", slices.Concat(first, change, []step{
			do(evRestart, "running stopping: terminate build"),
			do(evRestart, "running stopping"),
			do(evBuildTimeout, "running stopping: kill build"),
			do(evBuildGone, "running unbuilt"),
			do(evBuild, "running building: start build"),
			do(evBuildGone, "running/restart built"),
		})},
		{"a change after the build", slices.Concat(first, change, []step{
			do(evBuildGone, "running/restart built"),
			do(evRestart, "running/restart unbuilt"),
			do(evTerminate, "stopping/restart unbuilt: terminate"),
			do(evGone, "waiting unbuilt"),
			do(evBuild, "waiting building: start build"),
		})},
		{"a process that ends while it is built is started then", slices.Concat(first, change, []step{
			{event{kind: evGone, exit: Exit{Status: 1}}, "waiting building"},
			do(evBuildGone, "waiting built"),
		})},
		{"or has failed", slices.Concat(first, change, []step{
			{event{kind: evGone, exit: Exit{Status: 1}}, "waiting building"},
			{event{kind: evBuildGone, exit: bad}, "ended failed"},
		})},
		{"a stop ends the build", slices.Concat(first, change, []step{
			do(evStop, "running/stop stopping: terminate build"),
			do(evTerminate, "stopping/stop stopping: terminate"),
			do(evGone, "ended/stop stopping"),
			do(evBuildGone, "ended/stop unbuilt"),
			do(evRestart, "waiting unbuilt"),
		})},
		{"a stop before there is a process of it", []step{
			do(evBuild, "waiting building: start build"),
			do(evStop, "ended/stop stopping: terminate build"),
			do(evBuildStarted, "ended/stop stopping: terminate build"),
			do(evBuildGone, "ended/stop unbuilt"),
		}},
		{"a removal waits for the build", []step{
			do(evBuild, "waiting building: start build"),
			do(evRemove, "ended/remove stopping: terminate build"),
			do(evBuildGone, "removed/remove unbuilt"),
		}},
		{"a service that is back before it has gone", []step{
			do(evBuild, "waiting building: start build"),
			do(evRemove, "ended/remove stopping: terminate build"),
			do(evRestart, "waiting stopping"),
			do(evBuildGone, "waiting unbuilt"),
			do(evBuild, "waiting building: start build"),
		}},
		{"a kill", slices.Concat(first, change, []step{
			do(evKill, "killing/kill stopping: kill build kill"),
			do(evBuildTimeout, "killing/kill unbuilt"), // given up
			do(evBuildGone, "killing/kill unbuilt"),
		})},
		{"what a build leaves is ended", []step{
			do(evBuild, "waiting building: start build"),
			{event{kind: evBuildExited, exit: good}, "waiting building: terminate build"},
			do(evBuildTimeout, "waiting building: kill build"),
			{event{kind: evBuildGone, exit: Exit{Status: 137}}, "waiting built"},
		}},
		{"late messages change nothing", slices.Concat(first, []step{
			do(evBuildStarted, "running built"),
			do(evBuildExited, "running built"),
			do(evBuildTimeout, "running built"),
			{event{kind: evBuildGone, exit: bad}, "running built"},
		})},
	} {
		s := compiled()
		for i, step := range test.steps {
			var actions []action
			s, actions = s.next(epoch, step.event)
			got := s.phase.String()
			if s.goal != goalNone {
				got += "/" + s.goal.String()
			}
			got += " " + s.build.phase.String()
			for j, a := range actions {
				if j == 0 {
					got += ":"
				}
				got += " " + a.String()
			}
			if got != step.want {
				t.Errorf("%s: step %d, %s → %s, want %s", test.name, i, step.event.kind, got, step.want)
				break
			}
		}
	}
}

// A service that crashes is restarted without a build, but not from a build
// that is older than a change.
func TestBuildAndBackoff(t *testing.T) {
	s := compiled()
	s.spec.Restart = procfile.RestartOnFailure
	crash, failed := event{kind: evGone, exit: Exit{Status: 1}}, event{kind: evBuildGone, exit: Exit{Status: 2}}
	s = life(s, evBuild, event{kind: evBuildGone}, evStart, evStarted)
	if s := life(s, crash, evTimeout); s.phase != waiting || s.mustBuild() {
		t.Errorf("after a crash: %v, build %v", s.phase, s.build.phase)
	}
	if s := life(s, evRestart, evBuild, failed, crash); s.phase != ended || s.exit.Status != 1 || !s.deadline.IsZero() {
		t.Errorf("a crash after a failed build: %v, exit %v, deadline %v", s.phase, s.exit, s.deadline)
	}
	if s := life(s, crash, evRestart, evBuild, failed); s.phase != ended || !errors.As(s.exit.Err, new(*BuildError)) {
		t.Errorf("a failed build after a crash: %v, exit %v", s.phase, s.exit)
	}
}

// An edit is built once: an unrelated edit does not repeat a failed build.
func TestBuildOfAnEdit(t *testing.T) {
	plan := func(build string) procfile.Plan {
		spec := compiled().spec
		spec.Service, spec.Build.Shell = "a", build
		return procfile.Plan{Services: []procfile.Process{spec}}
	}
	m := machine{services: map[string]service{}}
	follow := func(build string) string {
		_, steps := m.applyPlan(plan(build))
		var kinds []string
		for _, step := range steps {
			kinds = append(kinds, step.kind.String())
			m.services["a"] = life(m.services["a"], step.kind)
		}
		return strings.Join(kinds, " ")
	}
	follow("one")
	m.services["a"] = life(m.services["a"], evBuild, event{kind: evBuildGone}, evStart, evStarted)
	if got := follow("one"); got != "" {
		t.Errorf("the same: %q", got)
	}
	if got := follow("two"); got != "restart" || m.services["a"].phase != running || m.services["a"].goal != goalNone {
		t.Errorf("another build: %q, %+v", got, m.services["a"])
	}
	if got := follow("two"); got != "" {
		t.Errorf("the same, to be built: %q", got)
	}
	m.services["a"] = life(m.services["a"], evBuild, event{kind: evBuildGone, exit: Exit{Status: 2}})
	if got := follow("two"); got != "" {
		t.Errorf("the same, which has failed: %q", got)
	}
	if got := follow("one"); got != "restart" {
		t.Errorf("the first again: %q", got)
	}
	m.services["a"] = life(m.services["a"], evBuild, event{kind: evBuildGone})
	if got := m.services["a"]; got.goal != goalRestart {
		t.Errorf("the first is built again: %+v", got)
	}
}

// Whatever the order of events: no process starts between a change and the end
// of a successful build that began after it, and a build is terminated or
// killed only while it runs.
func TestBuildsInAnyOrder(t *testing.T) {
	seed := cmp.Or(*seed, rand.Uint64())
	random := rand.New(rand.NewPCG(seed, 0))
	var s service
	var change, began, success int // as indices of events; 0 is before the first
	live := false
	for i := 1; i <= 200_000; i++ {
		s.spec = compiled().spec
		s.spec.Restart = []procfile.Restart{procfile.RestartNo, procfile.RestartAlways}[random.IntN(2)]
		e := event{kind: eventKind(random.IntN(int(evBuildTimeout) + 1)), exit: Exit{Status: random.IntN(2)}}
		m := machine{services: map[string]service{"a": s}}
		switch e.kind {
		case evStart, evTerminate, evBuild:
			if kind, due := m.nextEvent("a"); !due || kind != e.kind {
				continue
			}
		case evStarted, evSpawnFailed:
			if s.phase != starting {
				continue
			}
		case evTimeout:
			if s.deadline.IsZero() {
				continue
			}
		case evBuildTimeout:
			if s.build.deadline.IsZero() {
				continue
			}
		case evBuildStarted, evBuildExited, evBuildGone:
			if !s.build.live() {
				continue
			}
		}
		before := s
		var actions []action
		s, actions = s.next(epoch, e)
		if e.kind == evRestart {
			change = i
		}
		if s.build.phase == built && before.build.phase != built {
			success = began
		}
		for _, a := range actions {
			switch a {
			case startBuild:
				if live {
					t.Fatalf("seed %d: a second build", seed)
				}
				began, live = i, true
			case terminateBuild, killBuild:
				if !live {
					t.Fatalf("seed %d: %s + %s: there is no build to end", seed, describe(before), e.kind)
				}
			case spawn:
				if success == 0 || success < change {
					t.Fatalf("seed %d: %s + %s starts a process at %d, changed at %d, built at %d", seed, describe(before), e.kind, i, change, success)
				}
			}
		}
		if live = s.build.live(); live && s.phase == removed {
			t.Fatalf("seed %d: it is forgotten while its build lives", seed)
		}
		if due := !s.build.deadline.IsZero(); due && !live {
			t.Fatalf("seed %d: %s: a deadline without a build", seed, describe(s))
		}
		if s.phase == removed {
			s, change, success = service{}, 0, 0
		}
	}
}

// buildPlan gives some services of a plan a build.
func buildPlan(random func(int) int, plan procfile.Plan) procfile.Plan {
	for i := range plan.Services {
		if random(2) == 0 && plan.Services[i].Service != keeper {
			plan.Services[i].Build.Shell = "make"
		}
	}
	return plan
}

// Whatever is requested, and whatever fails, no service starts from a build
// older than its last change, and in the end no build is left.
func TestBuildsUnderRandomEvents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.crashes, f.faulty = true, true
		f.builds = func() Exit { return Exit{Status: f.random(2)} }
		r := f.start(buildPlan(f.random, withKeeper(randomPlan(f.random, 1+f.random(12)))))
		for range 30 {
			f.pause(8 * time.Second)
			var names []string
			for _, p := range r.plan.Services {
				if f.random(3) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			if len(names) == 0 {
				continue
			}
			what := f.random(3)
			if what == 2 {
				f.mu.Lock()
				for _, name := range names {
					f.changed[name] = time.Now()
				}
				f.mu.Unlock()
			}
			do := []func(context.Context, ...string) error{r.controller.Start, r.controller.Stop, r.controller.Restart}[what]
			if err := do(t.Context(), names...); err != nil {
				t.Error(err)
			}
		}
		r.close()
		for name, p := range f.building {
			if p.alive {
				t.Errorf("the build of %s is left", name)
			}
		}
	})
}

// Whatever is restarted or edited, and whenever, everything runs in the end: no
// build, job or server waits for one that waits for it.
func TestBuildsComeToAnEnd(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.jobsNeedDependencies = f.random(2) == 0
		f.builds = func() Exit { return Exit{} }
		r := f.start(buildPlan(f.random, withKeeper(randomPlan(f.random, 2+f.random(10)))))
		if f.random(4) > 0 {
			r.settle()
		}
		plan := r.plan
		for round := range 1 + f.random(4) {
			var names []string // none are all
			plan.Services = slices.Clone(plan.Services)
			for i, p := range plan.Services {
				if f.random(2) == 0 && p.Service != keeper {
					names = append(names, p.Service)
					plan.Services[i].Shell = fmt.Sprint(round)
					plan.Services[i].DependsOn = nil
					for _, on := range p.DependsOn {
						if f.random(4) > 0 {
							plan.Services[i].DependsOn = append(plan.Services[i].DependsOn, on)
						}
					}
				}
			}
			if f.random(2) == 0 {
				r.edit(plan)
			} else if err := r.controller.Restart(t.Context(), names...); err != nil {
				t.Error(err)
			}
			f.pause(8 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := r.controller.Wait(ctx, Status.Up); err != nil {
			all, _ := r.controller.Status(t.Context())
			t.Errorf("%v: %+v", err, all)
		}
		r.close()
	})
}

// built starts a run of services with a build each.
func (f *fakeSystem) startBuilt(services ...procfile.Process) *fakeRun {
	for i := range services {
		services[i].Build.Shell = "make"
		if services[i].Ready.Kind == "" {
			services[i].Ready.Kind = procfile.None
		}
	}
	return f.start(withKeeper(procfile.Plan{Services: services}))
}

// buildStates returns the states of the services but the keeper, with their
// builds.
func (r *fakeRun) buildStates() string {
	r.t.Helper()
	synctest.Wait()
	all, err := r.controller.Status(r.t.Context())
	if err != nil {
		r.t.Error(err)
	}
	var words []string
	for _, st := range all {
		if st.Service != keeper {
			words = append(words, strings.TrimSuffix(fmt.Sprintf("%s=%s/%s", st.Service, st.State, st.Build), "/"))
		}
	}
	return strings.Join(words, " ")
}

// A service keeps running while it is built and after a failed build; waiting
// clients learn of either.
func TestBuildStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.random = func(n int) int { return n / 2 } // a build takes 5 s
		exit := Exit{}
		f.builds = func() Exit { return exit }
		r := f.startBuilt(procfile.Process{Service: "a", StopTimeout: time.Second})
		check := func(want string) {
			t.Helper()
			if got := r.buildStates(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		time.Sleep(time.Second)
		check("a=starting/running")
		r.settle()
		check("a=ready")
		for _, status := range []int{2, 0} {
			exit.Status = status
			first := f.latest["a"].pid
			begin := time.Now()
			if err := r.controller.Restart(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			check("a=ready/running")
			if f.latest["a"].terminating {
				t.Error("it does not go on while it is built")
			}
			r.settle()
			if took := time.Since(begin); took < 5*time.Second {
				t.Errorf("they who wait do so for %v", took)
			}
			if status == 2 {
				check("a=ready/failed")
				if f.latest["a"].pid != first || f.latest["a"].terminating {
					t.Error("the old process does not go on")
				}
			} else {
				check("a=ready")
			}
		}
		if f.started["a"] != 2 {
			t.Errorf("started %d times", f.started["a"])
		}
		r.close()
	})
}

// A build waits for jobs that it depends on, not for servers; replicas build
// one after the other, and the number of concurrent builds is limited.
func TestBuildOrder(t *testing.T) {
	m := machine{services: map[string]service{}}
	add := func(name string, ready procfile.CheckKind, dependsOn ...string) {
		s := compiled()
		s.spec.Service, s.spec.Ready.Kind, s.spec.DependsOn = name, ready, dependsOn
		m.services[name] = s
	}
	add("api", procfile.TCP, "db", "generate")
	add("db", procfile.TCP)
	add("generate", procfile.Done)
	add("web", procfile.TCP, "db")
	add("web.2", procfile.TCP, "db")
	m.sortNames()
	round := func() string {
		var begun []string
		for _, name := range m.names {
			if kind, due := m.nextEvent(name); due && kind == evBuild {
				m.set(name, life(m.services[name], evBuild))
				begun = append(begun, name)
			}
		}
		return strings.Join(begun, " ")
	}
	end := func(name string, events ...any) {
		m.set(name, life(m.services[name], append([]any{event{kind: evBuildGone}}, events...)...))
	}
	if got := round(); got != "db generate web" {
		t.Errorf("first: %s", got)
	}
	end("web")
	if got := round(); got != "web.2" {
		t.Errorf("when web is built: %s", got)
	}
	end("generate", evStart, evStarted)
	if got := round(); got != "" {
		t.Errorf("while generate works: %s", got)
	}
	m.maxBuilds = 2
	m.services["generate"] = life(m.services["generate"], event{kind: evGone})
	if got := round(); got != "" {
		t.Errorf("beside as many as may run: %s", got)
	}
	end("db")
	if got := round(); got != "api" {
		t.Errorf("when generate is done, and db built: %s", got)
	}
}

// A build that ignores SIGTERM is killed.
func TestBuildIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.random = func(n int) int { return n / 2 }
		f.ignore = true
		r := f.startBuilt(procfile.Process{Service: "a"})
		time.Sleep(time.Second)
		begin := time.Now()
		if err := r.controller.Stop(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if got := r.buildStates(); got != "a=stopping" {
			t.Errorf("asked to stop: %s", got)
		}
		r.settle()
		if took := time.Since(begin); took != buildGrace {
			t.Errorf("it took %v", took)
		}
		if got := r.buildStates(); got != "a=stopped" {
			t.Errorf("at last: %s", got)
		}
		if f.started["a"] != 0 {
			t.Error("it was started")
		}
		r.close()
	})
}
