package launcher

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

// A service that a user has stopped stays stopped, whatever is edited while it
// stops, and later, until the user starts it. It then follows the latest edit.
func TestUserStopOutlastsEdits(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		plan := withKeeper(randomPlan(f.random, 2+f.random(6)))
		for i := range plan.Services {
			if plan.Services[i].Ready.Kind == procfile.Done {
				plan.Services[i].Restart = procfile.RestartNo // so that it settles
			}
			if f.random(3) == 0 && plan.Services[i].Service != keeper {
				plan.Services[i].Build = procfile.Program{Shell: "make"}
			}
		}
		r := f.start(plan)
		f.pause(5 * time.Second)
		var stopped []string
		for _, p := range plan.Services {
			if p.Service != keeper && f.random(2) == 0 {
				stopped = append(stopped, p.Service)
			}
		}
		if len(stopped) == 0 {
			stopped = []string{plan.Services[0].Service}
		}
		if err := r.controller.Stop(t.Context(), stopped...); err != nil {
			t.Error(err)
		}
		for n := range 4 {
			f.pause(2 * time.Second)
			if f.random(2) == 0 {
				changed := map[string]time.Time{}
				for _, name := range stopped {
					changed[name] = time.Now()
				}
				if err := r.controller.RestartChanged(t.Context(), changed); err != nil {
					t.Error(err)
				}
				continue
			}
			plan.Services = slices.Clone(plan.Services)
			for i := range plan.Services {
				plan.Services[i].Shell = fmt.Sprint("edit ", n)
			}
			r.edit(plan)
		}
		starts := func() (counts []int) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, name := range stopped {
				counts = append(counts, r.started[name])
			}
			return counts
		}
		time.Sleep(time.Minute) // all have ended
		before := starts()
		all, err := r.controller.Status(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, st := range all {
			if slices.Contains(stopped, st.Service) && st.State != StateStopped {
				t.Errorf("%s is %s after a stop", st.Service, st.State)
			}
		}
		time.Sleep(2 * time.Minute)
		if after := starts(); !slices.Equal(before, after) {
			t.Errorf("%v were started %v times, then %v", stopped, before, after)
		}
		if err := r.controller.Start(t.Context(), stopped...); err != nil {
			t.Error(err)
		}
		for _, st := range r.settled() {
			want, _ := plan.Service(st.Service)
			if got := r.latest[st.Service]; st.Up() && got.spec.Shell != want.Shell {
				t.Errorf("%s is %s, and does not follow the latest edit: %+v", st.Service, st.State, got)
			}
		}
		r.close()
	})
}
