package engine

import (
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answer is from Docker 20.10, with a container on two addresses, one that is
// linked to others, and one that publishes nothing.
const answer = `[
{"Id":"1f","Names":["/shop-db-1"],"Image":"postgres:16","Ports":[
  {"IP":"0.0.0.0","PrivatePort":5432,"PublicPort":5432,"Type":"tcp"},{"IP":"::","PrivatePort":5432,"PublicPort":5432,"Type":"tcp"},
  {"IP":"0.0.0.0","PrivatePort":53,"PublicPort":5353,"Type":"udp"},{"PrivatePort":80,"Type":"tcp"}],
 "State":"running"},
{"Id":"2f","Names":["/web/cache","/cache"],"Image":"redis","Ports":[{"IP":"127.0.0.1","PrivatePort":6379,"PublicPort":26379,"Type":"tcp"}]},
{"Id":"3f","Names":["/quiet"],"Image":"sha256:1234","Ports":[]}]`

// engine answers on a Unix socket, until the test ends.
func engine(t *testing.T, handler http.HandlerFunc) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip(err)
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return socket
}

func TestPublished(t *testing.T) {
	socket := engine(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/containers/json" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(answer))
	})
	want := map[int]Container{5432: {"docker", "shop-db-1", "postgres:16"}, 26379: {"docker", "cache", "redis"}}
	got, err := endpoint{"docker", socket}.published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all := Published(t.Context(), environ{"CONTAINER_HOST": "unix://" + socket}.get)
	if all[5432] != (Container{"podman", "shop-db-1", "postgres:16"}) {
		t.Errorf("by CONTAINER_HOST: %v", all)
	}
}

type environ map[string]string

func (e environ) get(name string) string { return e[name] }

func TestEngineThatFails(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
	} {
		if got, err := (endpoint{"docker", engine(t, handler)}).published(t.Context()); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
	if got, err := (endpoint{"docker", filepath.Join(t.TempDir(), "none")}).published(t.Context()); err == nil {
		t.Errorf("without a socket: %v, want an error", got)
	}
}

// A hanging engine delays the results of the others by no more than timeout.
func TestEngineThatHangs(t *testing.T) {
	released := make(chan struct{})
	hanging := engine(t, func(http.ResponseWriter, *http.Request) { <-released })
	t.Cleanup(func() { close(released) })
	other := engine(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) })
	began := time.Now()
	got := Published(t.Context(), environ{"DOCKER_HOST": "unix://" + hanging, "CONTAINER_HOST": "unix://" + other}.get)
	if took := time.Since(began); took > 3*timeout {
		t.Errorf("it took %v", took)
	}
	if got[26379].Name != "cache" {
		t.Errorf("%v, want the results of the other engine", got)
	}
}

func TestEndpoints(t *testing.T) {
	got := endpoints(environ{"DOCKER_HOST": "tcp://10.0.0.1:2375", "XDG_RUNTIME_DIR": "/run/user/1000", "HOME": "/home/ann"}.get)
	want := []endpoint{
		{"docker", "/var/run/docker.sock"},
		{"docker", "/run/user/1000/docker.sock"},
		{"docker", "/home/ann/.docker/run/docker.sock"},
		{"docker", "/home/ann/.orbstack/run/docker.sock"},
		{"docker", "/home/ann/.colima/default/docker.sock"},
		{"docker", "/home/ann/.rd/docker.sock"},
		{"podman", "/run/podman/podman.sock"},
		{"podman", "/run/user/1000/podman/podman.sock"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(endpoint{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublishes(t *testing.T) {
	const labels = `"Labels":{"devports.instance":"RUN","devports.service":"web"},`
	var answer string
	socket := engine(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) })
	getenv := environ{"DOCKER_HOST": "unix://" + socket}.get
	for name, tt := range map[string]struct {
		container string
		on        string
		want      bool
	}{
		"ours":            {`{` + labels + `"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", true},
		"on IPv6":         {`{` + labels + `"State":"running","Ports":[{"IP":"0.0.0.0","PublicPort":80,"Type":"tcp"},{"IP":"::","PublicPort":80,"Type":"tcp"}]}`, "[::]:80", true},
		"another address": {`{` + labels + `"State":"running","Ports":[{"IP":"0.0.0.0","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", false},
		"another port":    {`{` + labels + `"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":81,"Type":"tcp"}]}`, "127.0.0.1:80", false},
		"UDP":             {`{` + labels + `"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"udp"}]}`, "127.0.0.1:80", false},
		"exited":          {`{` + labels + `"State":"exited","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", false},
		"no labels":       {`{"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", false},
		"another service": {`{"Labels":{"devports.instance":"RUN","devports.service":"db"},"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", false},
		"another run":     {`{"Labels":{"devports.instance":"OTHER","devports.service":"web"},"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}`, "127.0.0.1:80", false},
	} {
		answer = "[" + tt.container + "]"
		if got := Publishes(t.Context(), getenv, "RUN", "web", netip.MustParseAddrPort(tt.on)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if answer = `[{"State":"running","Ports":[{"IP":"127.0.0.1","PublicPort":80,"Type":"tcp"}]}]`; Publishes(t.Context(), getenv, "", "", netip.MustParseAddrPort("127.0.0.1:80")) {
		t.Error("without an instance, it belongs to the run")
	}
}
