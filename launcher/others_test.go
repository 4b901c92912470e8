package launcher

import (
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

// TestOthers: what was added stays through the next plans; what was selected by
// an earlier plan only does not.
func TestOthers(t *testing.T) {
	web, api, db := procfile.Process{Service: "web", DependsOn: []string{"db"}}, procfile.Process{Service: "api"}, procfile.Process{Service: "db"}
	m := machine{services: map[string]service{}}
	m.follow(procfile.Plan{Services: []procfile.Process{web, db}, Others: []procfile.Process{api}})
	if !slices.Equal(m.names, []string{"db", "web"}) {
		t.Fatal(m.names)
	}
	m.add("api")
	m.add("none")
	if !slices.Equal(m.names, []string{"api", "db", "web"}) || len(m.others) > 0 {
		t.Error(m.names, m.others)
	}
	web.DependsOn = nil
	changes, steps := m.follow(procfile.Plan{Services: []procfile.Process{web}, Others: []procfile.Process{api, db}})
	if !slices.Equal(steps, []step{{"db", evRemove}}) || m.others["db"].Service != "db" || len(m.others) != 1 {
		t.Error(changes, steps, m.others)
	}
}

// Two services that each ran when the other depended on it, because an edit has
// turned that round, do not wait for each other to end.
func TestTurnedDependency(t *testing.T) {
	for name, aBuild := range map[string]procfile.Program{"adjusted": {}, "while it is built": {Shell: "make"}} {
		a, b := procfile.Process{Service: "a", DependsOn: []string{"b"}}, procfile.Process{Service: "b"}
		m := machine{services: map[string]service{}}
		m.follow(procfile.Plan{Services: []procfile.Process{a, b}})
		begin := func(name string) {
			s, _ := m.services[name].next(time.Now(), event{kind: evStart})
			s, _ = s.next(time.Now(), event{kind: evStarted})
			m.set(name, s)
		}
		begin("a")
		begin("b")
		a.DependsOn, a.Build, b.DependsOn = nil, aBuild, []string{"a"}
		m.follow(procfile.Plan{Services: []procfile.Process{a, b}})
		begin("b") // restarted
		for _, name := range m.names {
			s, _ := m.services[name].next(time.Now(), event{kind: evStop})
			m.set(name, s)
		}
		if kind, due := m.due("b"); !due || kind != evEnd {
			t.Errorf("%s: b is not the first to end", name)
		}
		if _, due := m.due("a"); due {
			t.Errorf("%s: a ends before b, which depends on it", name)
		}
	}
}
