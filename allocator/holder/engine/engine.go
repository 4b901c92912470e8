// Package engine asks the container engines of this machine which of their
// containers publish ports. Where an engine has no proxy, no process here holds
// such a port; where it has one, that is not what the user has started.
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

// timeout is how long the engines get to answer, all of them together.
const timeout = 300 * time.Millisecond

// maxAnswer is more than thousands of containers take.
const maxAnswer = 16 << 20

// Container is a running container.
type Container struct {
	Engine string `json:"engine"` // the command that manages it: "docker" or "podman"
	Name   string `json:"name"`
	Image  string `json:"image,omitempty"`
}

// Published returns, for each TCP port that a container publishes, the container.
// It asks the engines on Unix sockets at their usual places, and where DOCKER_HOST
// and CONTAINER_HOST say. An engine that the user may not ask, or that does not
// answer within 300 ms, has no containers.
func Published(ctx context.Context, getenv func(string) string) map[int]Container {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	endpoints := endpoints(getenv)
	answers := make([]map[int]Container, len(endpoints))
	var asking sync.WaitGroup
	for i, e := range endpoints {
		asking.Go(func() { answers[i], _ = e.published(ctx) })
	}
	asking.Wait()
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

// endpoint is where an engine listens.
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
	add("podman", "/run/podman/podman.sock")
	add("podman", getenv("XDG_RUNTIME_DIR"), "podman/podman.sock")
	return all
}

// published asks one engine. Both engines answer to Docker's API.
func (e endpoint) published(ctx context.Context) (map[int]Container, error) {
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
	var containers []struct {
		Names []string
		Image string
		Ports []struct {
			PublicPort int
			Type       string
		}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&containers); err != nil {
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

// name is a container's own name. The others, such as /web/db, are what other
// containers call it.
func name(names []string) string {
	for _, n := range names {
		if own := strings.TrimPrefix(n, "/"); !strings.Contains(own, "/") {
			return own
		}
	}
	return ""
}
