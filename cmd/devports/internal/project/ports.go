package project

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/registry"
)

// TakenError says which leases have a port that something else holds.
type TakenError struct{ Taken []Taken }

// Taken is a lease whose port something else holds.
type Taken struct {
	Lease   registry.Lease
	Holders []holder.Process // as far as they can be seen
}

func (e *TakenError) Error() string {
	var texts []string
	for _, t := range e.Taken {
		texts = append(texts, fmt.Sprintf("port %d of %s is taken", t.Lease.Port, t.Lease.Name))
	}
	return strings.Join(texts, ", ")
}

// Free makes sure that nothing holds the ports of leases but processes that are
// ours. The error is a *TakenError.
func (p Project) Free(ctx context.Context, leases []registry.Lease, ours func(holder.Process) bool) error {
	var busy []registry.Lease
	var ports []int
	for i, b := range busyAll(leases) {
		if b {
			busy = append(busy, leases[i])
			ports = append(ports, leases[i].Port)
		}
	}
	if len(busy) == 0 {
		return nil
	}
	holders, err := p.host.Listening(ctx, p.Registry, ports...)
	if err != nil {
		p.host.Note("who holds the ports cannot be told: %v", err)
	}
	var e TakenError
	for _, l := range busy {
		if !slices.ContainsFunc(holders[l.Port], ours) {
			e.Taken = append(e.Taken, Taken{l, holders[l.Port]})
		}
	}
	if len(e.Taken) == 0 {
		return nil
	}
	return &e
}

// StartedIn tells the processes that devports has started in a scope.
func StartedIn(scope registry.Scope) func(holder.Process) bool {
	return func(p holder.Process) bool {
		return p.Managed && p.Project == scope.Project && p.Worktree == scope.Worktree
	}
}

// busyAll reports for each lease whether its port is busy. It asks for several
// at the same time.
func busyAll(leases []registry.Lease) []bool {
	all := make([]bool, len(leases))
	var next atomic.Int64
	var askers sync.WaitGroup
	for range min(len(leases), runtime.GOMAXPROCS(0)) {
		askers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(leases); i = next.Add(1) - 1 {
				all[i] = allocator.Busy(leases[i].Port)
			}
		})
	}
	askers.Wait()
	return all
}
