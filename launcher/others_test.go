package launcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/procfile"
)

// TestOthers: services that were added stay in later plans; services that only
// an earlier plan selected do not.
func TestOthers(t *testing.T) {
	web, api, db := procfile.Process{Service: "web", DependsOn: []string{"db"}}, procfile.Process{Service: "api"}, procfile.Process{Service: "db"}
	m := machine{services: map[string]service{}}
	m.applyPlan(procfile.Plan{Services: []procfile.Process{web, db}, Inactive: []procfile.Process{api}})
	if !slices.Equal(m.names, []string{"db", "web"}) {
		t.Fatal(m.names)
	}
	m.add("api")
	m.add("none")
	if !slices.Equal(m.names, []string{"api", "db", "web"}) || len(m.inactive) > 0 {
		t.Error(m.names, m.inactive)
	}
	web.DependsOn = nil
	changes, steps := m.applyPlan(procfile.Plan{Services: []procfile.Process{web}, Inactive: []procfile.Process{api, db}})
	if !slices.Equal(steps, []step{{"db", evRemove}}) || m.inactive["db"].Service != "db" || len(m.inactive) != 1 {
		t.Error(changes, steps, m.inactive)
	}
}

// An edit may make a service that was added depend on another one.
func TestDependencyAmongOthers(t *testing.T) {
	web, api, db := procfile.Process{Service: "web"}, procfile.Process{Service: "api"}, procfile.Process{Service: "db"}
	m := machine{services: map[string]service{}}
	m.applyPlan(procfile.Plan{Services: []procfile.Process{web}, Inactive: []procfile.Process{api, db}})
	m.add("api")
	api.DependsOn = []string{"db"}
	m.applyPlan(procfile.Plan{Services: []procfile.Process{web}, Inactive: []procfile.Process{api, db}})
	if !slices.Equal(m.names, []string{"api", "db", "web"}) || len(m.inactive) > 0 {
		t.Error(m.names, m.inactive)
	}
}

// A service that an edit has removed goes, whatever is requested while it stops.
func TestRemovedDoesNotComeBack(t *testing.T) {
	for name, request := range map[string]func(context.Context, *Controller) error{
		"start":   func(ctx context.Context, c *Controller) error { return c.Start(ctx) },
		"restart": func(ctx context.Context, c *Controller) error { return c.Restart(ctx) },
		"stop":    func(ctx context.Context, c *Controller) error { return c.Stop(ctx) },
		"changed code": func(ctx context.Context, c *Controller) error {
			return c.RestartChanged(ctx, map[string]time.Time{"old": time.Now()})
		},
		"by name": func(ctx context.Context, c *Controller) error {
			if err := c.Restart(ctx, "old"); !errors.As(err, new(*UnknownServiceError)) {
				return fmt.Errorf("the error is %w", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeSystem(t, 1)
				old := procfile.Process{Service: "old", StopTimeout: time.Minute}
				r := f.start(withKeeper(procfile.Plan{Services: []procfile.Process{old}}))
				r.settle()
				r.edit(withKeeper(procfile.Plan{}))
				if err := request(t.Context(), r.controller); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Hour)
				all, err := r.controller.Status(t.Context())
				if err != nil || len(all) != 1 || f.started["old"] != 1 {
					t.Errorf("%+v, %v; old was started %d times", all, err, f.started["old"])
				}
				r.close()
			})
		})
	}
}

// Two services whose dependency an edit has reversed do not wait for each other
// to stop.
func TestReversedDependency(t *testing.T) {
	for name, aBuild := range map[string]procfile.Program{"adjusted": {}, "while it is built": {Shell: "make"}} {
		a, b := procfile.Process{Service: "a", DependsOn: []string{"b"}}, procfile.Process{Service: "b"}
		m := machine{services: map[string]service{}}
		m.applyPlan(procfile.Plan{Services: []procfile.Process{a, b}})
		begin := func(name string) {
			s, _ := m.services[name].next(time.Now(), event{kind: evStart})
			s, _ = s.next(time.Now(), event{kind: evStarted})
			m.set(name, s)
		}
		begin("a")
		begin("b")
		a.DependsOn, a.Build, b.DependsOn = nil, aBuild, []string{"a"}
		m.applyPlan(procfile.Plan{Services: []procfile.Process{a, b}})
		begin("b") // restarted
		for _, name := range m.names {
			s, _ := m.services[name].next(time.Now(), event{kind: evStop})
			m.set(name, s)
		}
		if kind, due := m.nextEvent("b"); !due || kind != evTerminate {
			t.Errorf("%s: b does not stop first", name)
		}
		if _, due := m.nextEvent("a"); due {
			t.Errorf("%s: a stops before b, which depends on it", name)
		}
	}
}
