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

// lockWait is how long an update waits for others to end theirs, each of which takes milliseconds.
const lockWait = 10 * time.Second

// Registry is a file of leases, named by its path. It holds nothing else: copies are alike, and may be used by any number of
// goroutines and processes at once.
type Registry struct {
	path string
	wait time.Duration
}

// Open names a registry. The file is first looked at when it is needed, and first written with the first lease.
func Open(path string) Registry { return Registry{path, lockWait} }

// Path is the path that Open was given.
func (r Registry) Path() string { return r.path }

// Leases are all leases: user-wide ones first, then by directory; in a scope by name. It needs no lock. The error is a
// *DamagedError, a *NewerError, or, a *fs.PathError, the file system's; a missing file holds no leases.
func (r Registry) Leases() ([]Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return nil, err
	}
	return now.state.all(), nil
}

// Scope is the scope that a checkout has, or would get with its first lease. It only reads. Errors are those of Leases.
func (r Registry) Scope(c checkout.Checkout) (Scope, error) {
	scope, _, err := r.SeenFrom(c)
	return scope, err
}

// SeenFrom is Scope, and all leases as Leases has them, but for those of a checkout that has moved or been renamed: they have the
// scope that it gets with its next lease.
func (r Registry) SeenFrom(c checkout.Checkout) (Scope, []Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return Scope{}, nil, err
	}
	at, rec := now.state.place(c, realDisk)
	s := now.state
	if at >= 0 && rec.Scope != s.records[at].Scope {
		s = s.put(at, rec)
	}
	return rec.Scope, s.all(), nil
}

// Lease returns the leases of all wanted names, in name order, after making those that are missing and changing those that are not
// as wanted. It is one update: all of it happens, or, with an error, nothing.
//
// A name that has a lease keeps it. Otherwise o.Choose picks a port. A pin binds where Scope.Main says so; elsewhere a port is
// chosen. It takes its number, whatever port the name had, unless the number was chosen for another name: then that one keeps it,
// and all such conflicts of the call are one *ConflictError. Several names may pin one number. A project's name that is no longer
// pinned stays on its number as a chosen one, unless another has it, too; a user-wide name, which no Portfile speaks for, stays
// pinned until it is removed. A chosen lease that o.Move says yes to moves to another port.
//
// What already is as wanted costs one read of the file and no lock. Else o.Choose, o.Move and o.Confirm are called with the lock
// held, by the calling goroutine. Errors are further those of Leases, those of o.Confirm, a *NameError, a *lockfile.HeldError after
// 10 s, and what wraps ctx's error when that ends first.
func (r Registry) Lease(ctx context.Context, c checkout.Checkout, wants []allocator.WantedPort, o Options) (Scope, []Lease, error) {
	if err := checkCheckout(c); err != nil {
		return Scope{}, nil, err
	}
	wants, err := tidy(wants)
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

// Known returns what Lease would, if that would change nothing; else ok is false,
// and only the scope is known. It only reads. Errors are those of Lease.
func (r Registry) Known(c checkout.Checkout, wants []allocator.WantedPort, o Options) (s Scope, leases []Lease, ok bool, err error) {
	if err := checkCheckout(c); err != nil {
		return Scope{}, nil, false, err
	}
	if wants, err = tidy(wants); err != nil {
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

// Remove ends the leases of these names in a scope and returns them, in name order. If one of them has none, nothing is removed
// and the error is an *UnknownError; else errors are those of Lease.
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

// errUnchanged is what a change returns that changes nothing: then nothing is written, and the update succeeds.
var errUnchanged = errors.New("unchanged")

// update replaces the registry by what change makes of it, with the lock held from the reading to the writing. Nothing is written
// if change fails, or if ctx has ended by then. known is what was read before, or the zero snapshot.
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

// locked calls do with the lock held, and with the path of the file itself, which the registry's own may be a symlink to.
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

// tidy sorts wants and drops those that say the same twice.
func tidy(wants []allocator.WantedPort) ([]allocator.WantedPort, error) {
	wants = slices.SortedFunc(slices.Values(wants), func(v, w allocator.WantedPort) int { return v.Name.Compare(w.Name) })
	wants = slices.Compact(wants)
	for i, w := range wants {
		if err := checkName(w.Name); err != nil {
			return nil, err
		}
		if w.Pin != 0 && !validPort(w.Pin) {
			return nil, fmt.Errorf("registry: %s pins %d, which is not a port", w.Name, w.Pin)
		}
		if i > 0 && w.Name == wants[i-1].Name {
			return nil, fmt.Errorf("registry: %s is wanted on two ports, %d and %d", w.Name, wants[i-1].Pin, w.Pin)
		}
	}
	return wants, nil
}
