package launcher

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

// someOf returns a plan of some of the services, with others, and without the
// rest. A service of it may be changed.
func someOf(f *fakeSystem, whole procfile.Plan) (plan procfile.Plan) {
	for _, p := range whole.Services {
		p.DependsOn = slices.Clone(p.DependsOn)
		if p.Service != keeper && f.random(4) == 0 {
			p.Shell = "changed"
		}
		switch where := f.random(4); {
		case p.Service == keeper || where > 1:
			plan.Services = append(plan.Services, p)
		case where == 1:
			plan.Inactive = append(plan.Inactive, p)
		}
	}
	for i := 0; i < len(plan.Services); i++ { // grows by what its services depend on
		for _, on := range plan.Services[i].DependsOn {
			if at := slices.IndexFunc(plan.Inactive, isNamed(on)); at >= 0 {
				plan.Services = append(plan.Services, plan.Inactive[at])
				plan.Inactive = slices.Delete(plan.Inactive, at, at+1)
			}
		}
	}
	all := slices.Concat(plan.Services, plan.Inactive)
	for _, list := range [][]procfile.Process{plan.Services, plan.Inactive} {
		for i := range list {
			list[i].DependsOn = slices.DeleteFunc(list[i].DependsOn, func(on string) bool { return !slices.ContainsFunc(all, isNamed(on)) })
		}
	}
	return plan
}

func isNamed(name string) func(procfile.Process) bool {
	return func(p procfile.Process) bool { return p.Service == name }
}

// Whatever is edited and requested, also while services, steps and builds start
// and stop: in the end the run has the services of the plan and those that were
// added, with processes of that plan, and nothing of what was removed.
func TestEditsUnderRandomEvents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.crashes = true
		whole := withKeeper(randomPlan(f.random, 2+f.random(8)))
		if f.random(2) == 0 {
			whole = setUp(f, whole)
			f.setup = func(ctx context.Context, _ procfile.Process, force bool) (Turn, error) {
				select {
				case <-time.After(time.Duration(f.random(int(startTime / 2)))):
					return Turn{Needed: force || f.random(2) == 0, End: func(*Exit) {}}, nil
				case <-ctx.Done():
					return Turn{}, ctx.Err()
				}
			}
		}
		for i, p := range whole.Services {
			if p.Setup == nil && p.Service != keeper && f.random(4) == 0 {
				whole.Services[i].Build = procfile.Program{Shell: "make"}
			}
		}
		plan := someOf(f, whole)
		r := f.start(plan)
		for range 25 {
			f.pause(4 * time.Second)
			all, err := r.controller.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			changed := map[string]time.Time{}
			for _, st := range all {
				if st.Service != keeper && f.random(3) == 0 {
					names = append(names, st.Service)
					changed[st.Service] = time.Now()
				}
			}
			// A service named may go meanwhile, which is an error.
			switch what := f.random(8); {
			case what < 3:
				plan = someOf(f, whole)
				r.edit(plan)
			case what == 3:
				_ = r.controller.RestartChanged(t.Context(), changed)
			case what == 4:
				_ = r.controller.Restart(t.Context())
			case len(names) == 0:
			case what == 5:
				_ = r.controller.Start(t.Context(), names...)
			case what == 6:
				_ = r.controller.Stop(t.Context(), names...)
			case what == 7:
				_ = r.controller.Restart(t.Context(), names...)
			}
		}
		f.mu.Lock()
		f.calm = true
		f.mu.Unlock()
		if err := r.controller.Start(t.Context()); err != nil {
			t.Error(err)
		}
		r.settle()
		all, err := r.controller.Status(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, p := range plan.Services {
			if !slices.ContainsFunc(all, func(st Status) bool { return st.Service == p.Service }) {
				t.Errorf("%s is missing", p.Service)
			}
		}
		f.mu.Lock()
		for _, st := range all {
			p, ok := inPlan(plan, st.Service)
			if !ok {
				t.Errorf("%s is %s, and not in the plan", st.Service, st.State)
			}
			if now := f.latest[st.Service]; now != nil && now.alive && now.spec.Shell != p.Shell && st.Build == "" {
				t.Errorf("%s runs %q, and not %q", st.Service, now.spec.Shell, p.Shell)
			}
		}
		for name, p := range f.latest {
			if p.alive && !slices.ContainsFunc(all, func(st Status) bool { return st.Service == name }) {
				t.Errorf("%s lives", name)
			}
		}
		f.mu.Unlock()
		r.close()
	})
}
