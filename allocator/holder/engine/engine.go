// Package engine queries the container engines of this machine for the ports
// that their containers publish. Without a proxy, no process on the host holds
// such a port; with one, the holder is the proxy and not the program that the
// user has started.
package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// timeout limits the wait for all engines. An engine that is not running
// refuses the connection at once; one that is busy with a download answers
// slowly.
const timeout = 2 * time.Second

// maxAnswer is enough for thousands of containers.
const maxAnswer = 16 << 20

// Container is a running container.
type Container struct {
	Engine string `json:"engine"` // the engine's command: "docker" or "podman"
	Name   string `json:"name"`
	Image  string `json:"image,omitempty"`
}

// Published returns the container of each published TCP port. It queries the
// engines on Unix sockets at their default paths, and at DOCKER_HOST and
// CONTAINER_HOST. It ignores an engine that the user may not access, or that
// does not answer within 2 s.
func Published(ctx context.Context, getenv func(string) string) map[int]Container {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	endpoints := endpoints(getenv)
	answers := make([]map[int]Container, len(endpoints))
	var queries sync.WaitGroup
	for i, e := range endpoints {
		queries.Go(func() { answers[i], _ = e.published(ctx) })
	}
	queries.Wait()
	all := map[int]Container{}
	for _, answer := range answers {
		for port, c := range answer {
			if _, ok := all[port]; !ok {
				all[port] = c
			}
		}
	}
	return all
}

// endpoint is the socket of an engine.
type endpoint struct{ engine, socket string }

func endpoints(getenv func(string) string) []endpoint {
	var all []endpoint
	add := func(engine string, elements ...string) {
		if elements[0] != "" {
			all = append(all, endpoint{engine, filepath.Join(elements...)})
		}
	}
	unix := func(variable string) string {
		path, ok := strings.CutPrefix(getenv(variable), "unix://")
		if !ok {
			return ""
		}
		return path
	}
	add("docker", unix("DOCKER_HOST"))
	add("podman", unix("CONTAINER_HOST"))
	add("docker", "/var/run/docker.sock")
	add("docker", getenv("XDG_RUNTIME_DIR"), "docker.sock")     // rootless
	add("docker", getenv("HOME"), ".docker", "run/docker.sock") // Docker Desktop
	add("docker", getenv("HOME"), ".orbstack/run/docker.sock")  // OrbStack
	add("docker", getenv("HOME"), ".colima/default/docker.sock")
	add("docker", getenv("HOME"), ".rd/docker.sock") // Rancher Desktop
	add("podman", "/run/podman/podman.sock")
	add("podman", getenv("XDG_RUNTIME_DIR"), "podman/podman.sock")
	return all
}

// published returns the container of each published TCP port of one engine.
func (e endpoint) published(ctx context.Context) (map[int]Container, error) {
	containers, err := e.containers(ctx)
	if err != nil {
		return nil, err
	}
	published := map[int]Container{}
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.PublicPort != 0 && p.Type == "tcp" {
				published[p.PublicPort] = Container{e.engine, name(c.Names), c.Image}
			}
		}
	}
	return published, nil
}

// container is a container in an engine's answer.
type container struct {
	Names  []string
	Image  string
	State  string
	Status string
	Labels map[string]string
	Ports  []struct {
		IP         string
		PublicPort int
		Type       string
	}
}

// containers queries one engine. Both engines have Docker's API.
func (e endpoint) containers(ctx context.Context) ([]container, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", e.socket)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/containers/json", nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", e.socket, response.Status)
	}
	var containers []container
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&containers); err != nil {
		return nil, err
	}
	return containers, nil
}

// name returns a container's own name. The others, such as /web/db, are its
// names in other containers.
func name(names []string) string {
	for _, n := range names {
		if own := strings.TrimPrefix(n, "/"); !strings.Contains(own, "/") {
			return own
		}
	}
	return ""
}
