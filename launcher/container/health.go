package container

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// Probe returns a function that checks whether the container of a service of a
// run is healthy. If it has no health check, or there is no engine, its port
// has to accept a connection; without a port, it has to run.
func Probe(p procfile.Process, instance string) probe.Try {
	getenv := func(name string) string {
		value, _ := p.Env.Lookup(name)
		return value
	}
	port := probe.Try(func(context.Context) error { return nil })
	if p.Port != 0 {
		connect := probe.Proxied(p.Port)
		port = func(ctx context.Context) error {
			err := connect(ctx)
			if inside := p.Container.OwnPort(); err != nil && inside != 0 {
				return fmt.Errorf("nothing in its container listens on port %d (container_port) yet", inside)
			}
			return err
		}
	}
	return func(ctx context.Context) error {
		status, found, err := engine.StatusOf(ctx, getenv, instance, p.Service)
		switch {
		case err != nil:
			return err
		case !found && p.Port != 0:
			return port(ctx)
		case !found:
			return nil
		case status == "":
			return errors.New("its container has not started yet")
		case strings.Contains(status, "(unhealthy)"):
			return errors.New("its container is unhealthy")
		case strings.Contains(status, "(health: starting)"), strings.Contains(status, "(starting)"):
			return errors.New("its container is not healthy yet")
		case strings.Contains(status, "(healthy)"):
			return nil
		}
		return port(ctx)
	}
}
