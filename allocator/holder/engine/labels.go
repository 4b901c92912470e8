package engine

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
)

// The labels of a container that belongs to a service of a run.
const (
	LabelInstance = "devports.instance" // the value of DEVPORTS_INSTANCE
	LabelService  = "devports.service"
)

// Publishes reports whether a running container with the labels publishes a TCP
// port on exactly this address: the wildcard addresses are addresses like
// others. It queries the same engines as [Published].
func Publishes(ctx context.Context, getenv func(string) string, instance, service string, on netip.AddrPort) bool {
	if instance == "" || service == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	endpoints := endpoints(getenv)
	answers := make([]bool, len(endpoints))
	var queries sync.WaitGroup
	for i, e := range endpoints {
		queries.Go(func() {
			containers, err := e.containers(ctx)
			answers[i] = err == nil && slices.ContainsFunc(containers, func(c container) bool {
				return c.State == "running" && c.Labels[LabelInstance] == instance && c.Labels[LabelService] == service && c.publishes(on)
			})
		})
	}
	queries.Wait()
	return slices.Contains(answers, true)
}

func (c container) publishes(on netip.AddrPort) bool {
	for _, p := range c.Ports {
		addr, err := netip.ParseAddr(p.IP)
		if p.IP == "" { // Podman's for all addresses
			addr, err = netip.IPv4Unspecified(), nil
		}
		if err == nil && p.Type == "tcp" && p.PublicPort == int(on.Port()) && addr.Unmap() == on.Addr() {
			return true
		}
	}
	return false
}

// StatusOf returns the status of the running container of a service, such as "Up
// 3 seconds (healthy)"; "" if there is none, or an engine is too busy to say.
// asked is false if there is no engine. It queries the same ones as [Published].
func StatusOf(ctx context.Context, getenv func(string) string, instance, service string) (status string, asked bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for _, e := range endpoints(getenv) {
		containers, err := e.containers(ctx)
		if asked = asked || err == nil || errors.Is(err, context.DeadlineExceeded); err != nil {
			continue
		}
		for _, c := range containers {
			if c.State == "running" && c.Labels[LabelInstance] == instance && c.Labels[LabelService] == service {
				return c.Status, true
			}
		}
	}
	return "", asked
}
