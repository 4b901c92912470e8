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

// ErrBusy reports that an engine has not answered in time.
var ErrBusy = errors.New("the container engine does not respond")

// StatusOf returns the status of the running container of a service, such as
// "Up 3 seconds (healthy)"; "" if there is none. found is false if there is no
// engine. The error is ErrBusy if an engine that has not answered may have the
// container. It queries the same engines as [Published].
func StatusOf(ctx context.Context, getenv func(string) string, instance, service string) (status string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var mu sync.Mutex // guards the results
	var queries sync.WaitGroup
	for _, e := range endpoints(getenv) {
		queries.Go(func() {
			containers, failed := e.containers(ctx)
			mu.Lock()
			defer mu.Unlock()
			found = found || failed == nil
			if errors.Is(failed, context.DeadlineExceeded) {
				found, err = true, ErrBusy
			}
			for _, c := range containers {
				if c.State == "running" && c.Labels[LabelInstance] == instance && c.Labels[LabelService] == service {
					status = c.Status
					cancel() // the others need not answer
				}
			}
		})
	}
	queries.Wait()
	if status != "" {
		err = nil
	}
	return status, found, err
}
