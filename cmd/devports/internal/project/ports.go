package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/registry"
)

// TakenError reports leases whose ports something else holds.
type TakenError struct {
	Taken    []Taken
	Reassign bool // the ports that can move have moved
}

// Taken is a lease whose port something else holds.
type Taken struct {
	Lease       registry.Lease
	Holders     []holder.Process    // the visible listeners
	Connections []holder.Connection // if there are no listeners
	Point       registry.Point      // that has the port, if not zero
}

func (e *TakenError) Error() string {
	var texts []string
	for _, t := range e.Taken {
		texts = append(texts, fmt.Sprintf("port %d of %s is taken", t.Lease.Port, t.Lease.Name))
	}
	return strings.Join(texts, ", ")
}

// Free returns a *TakenError if anything but our own processes holds a port of
// the leases. If ctx ends before that is known, the error is that of ctx.
func (p Project) Free(ctx context.Context, leases []registry.Lease, ours func(holder.Process) bool) error {
	return p.free(ctx, leases, nil, ours)
}

// free is Free. known are ports that are free.
func (p Project) free(ctx context.Context, leases []registry.Lease, known map[int]bool, ours func(holder.Process) bool) error {
	points := p.pointsOf(portsOf(leases))
	busy := allocator.BusyAmong(slices.DeleteFunc(portsOf(leases), func(port int) bool { return known[port] }))
	if len(busy) == 0 && len(points) == 0 {
		return nil
	}
	holders, holdersErr := p.host.Listening(ctx, p.Registry, busy...)
	silent := slices.DeleteFunc(slices.Clone(busy), func(port int) bool { return len(holders[port]) > 0 })
	connections, connectionsErr := holder.Connections(ctx, silent...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if holdersErr != nil {
		p.host.Note("cannot determine which processes hold the ports: %v", holdersErr)
	}
	if connectionsErr != nil {
		p.host.Note("cannot determine which connections hold the ports: %v", connectionsErr)
	}
	var e TakenError
	for _, l := range leases {
		t := Taken{l, holders[l.Port], connections[l.Port], points[l.Port]}
		switch {
		case t.Point.Port != 0:
			e.Taken = append(e.Taken, t)
		case !slices.Contains(busy, l.Port), slices.ContainsFunc(t.Holders, ours):
		case slices.ContainsFunc(t.Connections, func(c holder.Connection) bool { return ours(c.Process) }):
		default:
			e.Taken = append(e.Taken, t)
		}
	}
	if len(e.Taken) == 0 {
		return nil
	}
	return &e
}

func portsOf(leases []registry.Lease) (ports []int) {
	for _, l := range leases {
		ports = append(ports, l.Port)
	}
	return ports
}

// freeNow starts to probe ports. The result waits for that, and returns the free
// ones; none after freshness.
func freeNow(ports []int) func() map[int]bool {
	began, busy := time.Now(), make(chan []int, 1)
	go func() { busy <- allocator.BusyAmong(ports) }()
	return func() map[int]bool {
		free := map[int]bool{}
		if time.Since(began) > freshness {
			return free
		}
		for _, port := range ports {
			free[port] = true
		}
		for _, port := range <-busy {
			delete(free, port)
		}
		return free
	}
}

// freshness is how long a port that was free counts as free.
const freshness = 100 * time.Millisecond

// pointsOf returns the points that have one of the ports, whether or not a front
// holds them now: it would as soon as anything runs.
func (p Project) pointsOf(ports []int) map[int]registry.Point {
	points := map[int]registry.Point{}
	if p.host.Points == nil || len(ports) == 0 {
		return points
	}
	for _, point := range p.host.Points() {
		if slices.Contains(ports, point.Port) {
			points[point.Port] = point
		}
	}
	return points
}

// Try returns the error that the ports would cause at a start now, such as a
// *TakenError or a *[registry.ConflictError]. It leases nothing. It ignores
// ports that would still be chosen, as those would be free.
func (p Project) Try(ctx context.Context, ours func(registry.Scope) func(holder.Process) bool) error {
	chosen := map[int]bool{}
	choose := func(_ registry.Scope, _ allocator.PortName, usable func(int) bool) (int, error) {
		for port := range 1 << 16 {
			if usable(port) {
				chosen[port] = true
				return port, nil
			}
		}
		return 0, allocator.ErrNoneLeft
	}
	tried := errors.New("tried")
	_, _, err := p.Registry.Lease(ctx, p.Checkout, p.own(), registry.Options{
		Choose: choose,
		NoPins: p.noPins,
		Confirm: func(scope registry.Scope, leases []registry.Lease) error {
			leases = slices.DeleteFunc(slices.Clone(leases), func(l registry.Lease) bool {
				return chosen[l.Port] || p.isShared(l.Name.Service) // another run holds it
			})
			return cmp.Or(p.Free(ctx, leases, ours(scope)), tried)
		},
	})
	if errors.Is(err, tried) {
		return nil
	}
	return err
}

// StartedIn returns a function that reports whether devports has started a
// process in the scope.
func StartedIn(scope registry.Scope) func(holder.Process) bool {
	return func(p holder.Process) bool {
		return p.Managed && p.Project == scope.Project && p.Worktree == scope.Worktree
	}
}
