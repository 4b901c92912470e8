package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/registry/checkout"
)

// lockWait is the time that an update waits for others, each of which takes
// milliseconds.
const lockWait = 10 * time.Second

// Registry is a file of leases, named by its path. It has no other state:
// copies are equivalent, and any number of goroutines and processes may use
// them at once.
type Registry struct {
	path string
	wait time.Duration
}

// Open returns the registry at path. It does not access the file, which is
// created with the first lease.
func Open(path string) Registry { return Registry{path, lockWait} }

// Path returns the path given to Open.
func (r Registry) Path() string { return r.path }

// Leases returns all leases: user-wide ones first, then by directory; in a
// scope by name. It takes no lock. The error is a *DamagedError, a *NewerError
// or a *fs.PathError. A missing file is an empty registry.
func (r Registry) Leases() ([]Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return nil, err
	}
	return now.state.all(), nil
}

// Scope returns the scope that a checkout has, or would get with its first
// lease. It only reads. Errors are those of Leases.
func (r Registry) Scope(c checkout.Checkout) (Scope, error) {
	scope, _, err := r.SeenFrom(c)
	return scope, err
}

// SeenFrom returns the results of Scope and Leases. If the checkout has moved
// or was renamed, its leases already have the scope that it gets with its next
// lease.
func (r Registry) SeenFrom(c checkout.Checkout) (Scope, []Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return Scope{}, nil, err
	}
	at, rec := now.state.match(c, realDisk)
	s := now.state
	if at >= 0 && rec.Scope != s.records[at].Scope {
		s = s.put(at, rec)
	}
	return rec.Scope, s.all(), nil
}

// Lease returns the leases of all wanted names, in name order. It creates
// missing leases and changes those that do not match. It is one update: either
// everything happens, or, with an error, nothing.
//
// A name that has a lease keeps it. Otherwise o.Choose picks a port. A pin
// applies if Scope.Main is true; otherwise a port is chosen. A pin replaces the
// name's former port, unless its number was chosen for another name: that name
// keeps it, and all such conflicts are one *ConflictError. Several names may
// pin the same number. If a project no longer pins a name, the name keeps its
// number as a chosen port, unless another lease has it, too. A user-wide name
// stays pinned until it is removed. A chosen lease for which o.Move returns
// true moves to another port.
//
// If nothing changes, Lease reads the file once and takes no lock. Otherwise it
// calls o.Choose, o.Move and o.Confirm with the lock held, in the calling
// goroutine. Other errors are those of Leases and of o.Confirm, a *NameError, a
// *lockfile.HeldError after 10 s, and an error that wraps ctx's.
func (r Registry) Lease(ctx context.Context, c checkout.Checkout, wants []allocator.WantedPort, o Options) (Scope, []Lease, error) {
	if err := checkCheckout(c); err != nil {
		return Scope{}, nil, err
	}
	wants, err := normalize(wants)
	if err != nil {
		return Scope{}, nil, err
	}
	now, err := load(r.path, snapshot{})
	if err != nil {
		return Scope{}, nil, err
	}
	if o.Move == nil {
		if scope, leases, ok := now.state.settled(c, wants, o); ok {
			if err := o.confirm(scope, leases); err != nil {
				return Scope{}, nil, err
			}
			return scope, leases, nil
		}
	}
	var scope Scope
	var leases []Lease
	var change Change
	changed := false
	err = r.update(ctx, now, func(s state) (_ state, err error) {
		p := s.plan(c, wants, o, realDisk)
		scope, leases = p.record.Scope, p.leases()
		if p.settled() {
			if err := o.confirm(scope, leases); err != nil {
				return s, err
			}
			return s, errUnchanged
		}
		change, changed = p.change(c, realDisk)
		if s, leases, err = p.carryOut(o.Choose, time.Now()); err == nil {
			err = o.confirm(scope, leases)
		}
		return s, err
	})
	if err != nil {
		return Scope{}, nil, err
	}
	if changed && o.Changed != nil {
		o.Changed(change)
	}
	return scope, leases, nil
}

// Known returns what Lease would return, if Lease would change nothing; otherwise
// ok is false, and only the scope is known. It only reads. Errors are those of
// Lease.
func (r Registry) Known(c checkout.Checkout, wants []allocator.WantedPort, o Options) (s Scope, leases []Lease, ok bool, err error) {
	if err := checkCheckout(c); err != nil {
		return Scope{}, nil, false, err
	}
	if wants, err = normalize(wants); err != nil {
		return Scope{}, nil, false, err
	}
	now, err := load(r.path, snapshot{})
	if err != nil {
		return Scope{}, nil, false, err
	}
	s, leases, ok = now.state.settled(c, wants, o)
	return s, leases, ok, nil
}

// settled returns the scope of a checkout, and its leases if they are as wanted.
func (s state) settled(c checkout.Checkout, wants []allocator.WantedPort, o Options) (_ Scope, leases []Lease, ok bool) {
	p := s.plan(c, wants, o, realDisk)
	if p.settled() {
		leases, ok = p.leases(), true
	}
	return p.record.Scope, leases, ok
}

// Remove removes the leases of names in a scope and returns them, in name
// order. If a name has no lease, it removes nothing and the error is an
// *UnknownError. Other errors are those of Lease.
func (r Registry) Remove(ctx context.Context, s Scope, names ...allocator.PortName) ([]Lease, error) {
	names = slices.SortedFunc(slices.Values(names), allocator.PortName.Compare)
	names = slices.Compact(names)
	if len(names) == 0 {
		return nil, nil
	}
	var removed []Lease
	err := r.update(ctx, snapshot{}, func(all state) (_ state, err error) {
		all, removed, err = all.remove(s, names)
		return all, err
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// errUnchanged is returned by a change that has nothing to do: the update
// succeeds without writing.
var errUnchanged = errors.New("unchanged")

// update replaces the registry with the result of change. It holds the lock
// from reading to writing, and writes nothing if change fails or ctx has ended.
// known is an earlier reading of the file, or the zero snapshot.
func (r Registry) update(ctx context.Context, known snapshot, change func(state) (state, error)) error {
	return r.locked(ctx, func(path string) error {
		now, err := load(path, known)
		if err != nil {
			return err
		}
		next, err := change(now.state)
		switch {
		case errors.Is(err, errUnchanged):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		return store(path, next)
	})
}

// locked calls do with the lock held, and with the path of the file itself:
// the registry's path may be a symlink.
func (r Registry) locked(ctx context.Context, do func(path string) error) (err error) {
	path, err := target(r.path)
	if err != nil {
		return err
	}
	release, err := lockfile.Acquire(ctx, path+".lock", r.wait)
	if err != nil {
		return err
	}
	defer func() {
		if failed := release(); err == nil {
			err = failed
		}
	}()
	return do(path)
}

// normalize sorts wants and removes duplicates.
func normalize(wants []allocator.WantedPort) ([]allocator.WantedPort, error) {
	wants = slices.SortedFunc(slices.Values(wants), func(v, w allocator.WantedPort) int { return v.Name.Compare(w.Name) })
	wants = slices.Compact(wants)
	for i, w := range wants {
		if err := checkName(w.Name); err != nil {
			return nil, err
		}
		if w.Pin != 0 && !validPort(w.Pin) {
			return nil, fmt.Errorf("registry: %s pins the invalid port %d", w.Name, w.Pin)
		}
		if i > 0 && w.Name == wants[i-1].Name {
			return nil, fmt.Errorf("registry: %s has two pins, %d and %d", w.Name, wants[i-1].Pin, w.Pin)
		}
	}
	return wants, nil
}
