package procfile

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpandReplicas(t *testing.T) {
	f, err := Parse("Portfile", []byte(`[services.web]
command = "x"
port = 3000
ports = { metrics = 9100 }
replicas = 2
[services.db]
command = "x"
[services.app]
command = "x"
port = false
depends_on = ["web", "db"]
`))
	if err != nil {
		t.Fatal(err)
	}
	f, err = f.ExpandReplicas(map[string]int{"db": 3})
	if err != nil {
		t.Fatal(err)
	}
	ports := map[string]int{}
	for _, w := range f.Ports() {
		ports[w.Name.String()+" "+w.Name.Variable()] = w.Pin
	}
	if diff := cmp.Diff(map[string]int{
		"web PORT_WEB": 3000, "web:metrics PORT_WEB_METRICS": 9100, "web.2 PORT_WEB_2": 0, "web.2:metrics PORT_WEB_2_METRICS": 0,
		"db PORT_DB": 0, "db.2 PORT_DB_2": 0, "db.3 PORT_DB_3": 0,
	}, ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app", "db", "db.2", "db.3", "web", "web.2"}, f.WithDependencies([]string{"app"})); diff != "" {
		t.Errorf("app and its dependencies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"web", "web.2"}, f.WithDependencies([]string{"web"})); diff != "" {
		t.Errorf("replicas of web (-want +got):\n%s", diff)
	}
	var undeclared *UndeclaredError
	if _, err := f.ExpandReplicas(map[string]int{"x": 2}); !errors.As(err, &undeclared) || undeclared.Name != "x" {
		t.Errorf("undeclared service: %v", err)
	}
}

// Numbers of replicas are checked as those in the file.
func TestReplicaProblems(t *testing.T) {
	f, err := Parse("Portfile", []byte(`[setup]
deps = "x"
[services]
web = "x"
web-2 = "x"
db = { command = "x", shared = true }
store = { compose = "store" }
[services.api]
command = "x"
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		service string
		want    string
	}{
		{"api", ""},
		{"web", `Portfile:5:1: service "web-2" and replica "web.2" on line 4 would both use the variable PORT_WEB_2 (rename one of them)`},
		{"db", `Portfile:6:32: the shared service "db" cannot have replicas`},
		{"store", `Portfile:7:21: service "store" cannot have replicas: it is from a compose file (remove replicas)`},
		{"deps", `Portfile:2:1: step "deps" cannot have replicas`},
	} {
		_, err := f.ExpandReplicas(map[string]int{test.service: 2})
		if diff := cmp.Diff(test.want, hinted(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.service, diff)
		}
		if _, err := f.ExpandReplicas(map[string]int{test.service: 1}); err != nil {
			t.Errorf("one %s: %v", test.service, err)
		}
	}
}
