package container

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

func modelOf(t *testing.T, text string) model {
	t.Helper()
	var m model
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPortsOf(t *testing.T) {
	for entry, want := range map[string]port{
		`"15432:80"`:              {"", "15432", 80, "tcp"},
		`"80"`:                    {"", "", 80, "tcp"},
		`80`:                      {"", "", 80, "tcp"},
		`"127.0.0.1:53:5353/udp"`: {"127.0.0.1", "53", 5353, "udp"},
		`"[::1]:53:5353"`:         {"::1", "53", 5353, "tcp"},
		`{"target":80}`:           {"", "", 80, "tcp"},
		`{"target":80,"published":"81","protocol":"udp","host_ip":"::"}`: {"::", "81", 80, "udp"},
		`{"target":80,"published":81}`:                                   {"", "81", 80, "tcp"},
	} {
		m := modelOf(t, `{"services":{"a":{"ports":[`+entry+`]}}}`)
		if got := portsOf(m.service("a")); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want %v", entry, got, want)
		}
	}
}

func TestPublish(t *testing.T) {
	declared := []port{{"", "53", 53, "udp"}, {"127.0.0.1", "8080", 80, "tcp"}, {"", "9000", 90, "tcp"}}
	for _, tt := range []struct {
		name            string
		want            []procfile.Publish
		mapped, dropped string
		text            string // of the error
	}{
		{"the first TCP port", []procfile.Publish{{Host: 20001}}, "127.0.0.1:20001:80", "53 90", ""},
		{"its container_port", []procfile.Publish{{Host: 20001, Container: 90}}, "20001:90", "53 80", ""},
		{"a port that the file does not publish", []procfile.Publish{{Host: 20001, Container: 70}}, "127.0.0.1:20001:70", "53 80 90", ""},
		{"extra ports take the others", []procfile.Publish{{Host: 20001}, {Name: "x", Host: 20002, Container: 80}}, "20001:90 127.0.0.1:20002:80", "53", ""},
		{"too many", []procfile.Publish{{Host: 1}, {Name: "x", Host: 2}, {Name: "y", Host: 3}}, "", "", "publishes no port for its port y"},
	} {
		published, dropped, err := publish(declared, tt.want)
		var mapped, left []string
		for _, p := range published {
			mapped = append(mapped, p.mapping())
		}
		for _, p := range dropped {
			left = append(left, scalar(p.target))
		}
		if err != nil && (tt.text == "" || !strings.Contains(err.Error(), tt.text)) || err == nil && tt.text != "" {
			t.Errorf("%s: error %v", tt.name, err)
		} else if strings.Join(mapped, " ") != tt.mapped || strings.Join(left, " ") != tt.dropped {
			t.Errorf("%s: %v, dropped %v", tt.name, mapped, left)
		}
	}
}

func TestIsolated(t *testing.T) {
	m := modelOf(t, `{"services":{"db":{"image":"i","container_name":"fixed","scale":2,"restart":"always","depends_on":["x"],
		"ports":["15432:80"],"labels":["mine=1"],"environment":{"KEEP":"a"},"deploy":{"replicas":3,"resources":{"limits":{}}},
		"volumes":["data:/data","named:/named","/host:/host"]},"x":{"image":"x"}},
		"volumes":{"data":{},"named":{"name":"everyones"},"unused":{}}}`)
	before, _ := json.Marshal(m)
	s := Spec{Service: "pg", Checkout: "shop $HOME", Container: procfile.Container{Compose: "db", Project: "shop", Env: []string{"LEVEL"}, StopSignal: "INT"}}
	got := m.isolated(s, "RUN", []port{{"", "20001", 80, "tcp"}}, func(string) string { return "a$b" })
	want := modelOf(t, `{"services":{"db":{"image":"i","restart":"no","ports":["20001:80"],"stop_signal":"SIGINT",
		"labels":{"mine":"1","devports.instance":"RUN","devports.service":"pg","devports.checkout":"shop $$HOME"},
		"environment":{"KEEP":"a","LEVEL":"a$$b"},"deploy":{"resources":{"limits":{}}},"volumes":["data:/data","named:/named","/host:/host"]}},
		"volumes":{"data":{"name":"shop_data","external":true},"named":{"name":"everyones"}}}`)
	encoded, _ := json.Marshal(got)
	if !reflect.DeepEqual(modelOf(t, string(encoded)), want) {
		t.Errorf("%s", encoded)
	}
	if after, _ := json.Marshal(m); string(after) != string(before) {
		t.Errorf("it has changed the model: %s", after)
	}
	if got := m.sharedVolumes("shop", "db"); !slices.Equal(got, []string{"everyones"}) {
		t.Errorf("shared volumes: %v", got)
	}
}

func TestIsolatedKeepsServicesItRefersTo(t *testing.T) {
	m := modelOf(t, `{"services":{"a":{"image":"i","network_mode":"service:b"},"b":{"image":"j"}}}`)
	got := m.isolated(Spec{Container: procfile.Container{Compose: "a"}}, "RUN", nil, func(string) string { return "" })
	if got.service("b") == nil {
		t.Error("b is missing")
	}
}

// completed completes a plan whose services are all from one compose file.
func completed(t *testing.T, text string, services ...procfile.Process) (procfile.Plan, []Finding) {
	t.Helper()
	l := &Loaded{engine: Engine{Program: "docker", Compose: []string{"docker", "compose"}}, models: map[[2]string]resolved{{}: {model: modelOf(t, text)}}}
	var needed []string
	for i := range services {
		services[i].Container = &procfile.Container{Compose: services[i].Service, Grace: time.Duration(i) * time.Second}
		services[i].Ready = procfile.Check{Kind: procfile.Healthy}
		needed = append(needed, services[i].Service)
	}
	return Complete(procfile.Plan{Services: services}, l, Options{Program: "devports", Needed: needed})
}

func TestCompleteTakesStopGracePeriod(t *testing.T) {
	plan, findings := completed(t, `{"services":{"a":{"stop_grace_period":"1m0s"},"b":{"stop_grace_period":"1m0s"}}}`,
		procfile.Process{Service: "a", StopTimeout: time.Second}, procfile.Process{Service: "b", StopTimeout: time.Second})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if got := plan.Services[0].StopTimeout; got != time.Minute+procfile.StopMargin {
		t.Errorf("without stop_timeout: %v", got)
	}
	if got := plan.Services[1].StopTimeout; got != time.Second {
		t.Errorf("with stop_timeout: %v", got)
	}
}

func TestCompleteDependencies(t *testing.T) {
	plan, findings := completed(t, `{"services":{"a":{"depends_on":{"b":{"condition":"service_completed_successfully"},"c":{}}},"b":{"depends_on":["a"]}}}`,
		procfile.Process{Service: "a"}, procfile.Process{Service: "b"})
	if got := plan.Services[0].DependsOn; !slices.Equal(got, []string{"b"}) {
		t.Errorf("a depends on %v", got)
	}
	if got := plan.Services[1]; len(got.DependsOn) > 0 || got.Ready.Kind != procfile.Done {
		t.Errorf("b depends on %v and is ready by %v", got.DependsOn, got.Ready)
	}
	var texts []string
	for _, f := range findings {
		texts = append(texts, f.Text)
	}
	want := []string{
		"a depends on c in the compose file, which the Portfile does not declare: devports does not start it",
		"b does not wait for a, although the compose file says so: in the Portfile, a waits for b",
	}
	if !slices.Equal(texts, want) {
		t.Errorf("%q", texts)
	}
}

func TestMissingComposeFile(t *testing.T) {
	_, err := host{dir: t.TempDir()}.readModel(context.Background(), Engine{Compose: []string{"docker", "compose"}}, "p", "/nowhere/compose.yaml")
	var f *Failure
	if !errors.As(err, &f) || f.Text != "there is no compose file /nowhere/compose.yaml" {
		t.Error(err)
	}
}
