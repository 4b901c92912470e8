package launcher

import (
	"slices"
	"testing"

	"github.com/devports/devports/procfile"
)

// TestOthers: services that were added stay in later plans; services that only
// an earlier plan selected do not.
func TestOthers(t *testing.T) {
	web, api, db := procfile.Process{Service: "web", DependsOn: []string{"db"}}, procfile.Process{Service: "api"}, procfile.Process{Service: "db"}
	m := machine{services: map[string]service{}}
	m.applyPlan(procfile.Plan{Services: []procfile.Process{web, db}, Others: []procfile.Process{api}})
	if !slices.Equal(m.names, []string{"db", "web"}) {
		t.Fatal(m.names)
	}
	m.add("api")
	m.add("none")
	if !slices.Equal(m.names, []string{"api", "db", "web"}) || len(m.others) > 0 {
		t.Error(m.names, m.others)
	}
	web.DependsOn = nil
	changes, steps := m.applyPlan(procfile.Plan{Services: []procfile.Process{web}, Others: []procfile.Process{api, db}})
	if !slices.Equal(steps, []step{{"db", evRemove}}) || m.others["db"].Service != "db" || len(m.others) != 1 {
		t.Error(changes, steps, m.others)
	}
}
