package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// Imported is what has become of claims; each list is in their order.
type Imported struct {
	Taken   []Lease // new ones
	Already []Lease // of names that had their ports before
	Refused []Refusal
}

// Refusal is a claim that was not taken, and the lease that stands against it: the name's own on another port, or another's of the
// port.
type Refusal struct {
	Claim
	Lease Lease
}

// Import leases user-wide, for the name of each claim, the very port that it has in the file of another program. It never changes a
// lease: a claim is refused where its name has another port, or its port is another's, chosen or pinned. It is one update. To
// repeat it is safe: what was taken then is there already.
//
// The leases are chosen ones. Like those programs' own, they have one owner: no other name is given the port, and none can pin it
// without being told whose it is. As pins they would let every other name pin the number, too.
//
// What is there already costs one read of the file and no lock. Errors are those of Lease, but for the *ConflictError.
func (r Registry) Import(ctx context.Context, claims []Claim) (Imported, error) {
	for _, c := range claims {
		if err := checkName(c.Name); err != nil {
			return Imported{}, err
		}
		if !validPort(c.Port) {
			return Imported{}, fmt.Errorf("registry: %s is to have the port %d, which is none", c.Name, c.Port)
		}
	}
	now, err := load(r.path, snapshot{})
	if err != nil {
		return Imported{}, err
	}
	if _, done := now.state.take(claims, time.Now()); len(done.Taken) == 0 {
		return done, nil
	}
	var done Imported
	err = r.update(ctx, now, func(s state) (state, error) {
		s, done = s.take(claims, time.Now())
		if len(done.Taken) == 0 {
			return s, errUnchanged
		}
		return s, nil
	})
	if err != nil {
		return Imported{}, err
	}
	return done, nil
}

// take returns the state with those claims that it can hold besides what it has, and what has become of each.
func (s state) take(claims []Claim, now time.Time) (state, Imported) {
	at, r := s.place(checkout.Checkout{}, realDisk)
	names, owners := map[allocator.PortName]Lease{}, map[int]Lease{} // the user-wide leases, and one lease of every port
	for _, l := range s.all() {
		if l.Scope.UserWide() {
			names[l.Name] = l
		}
		owners[l.Port] = l
	}
	var done Imported
	var taken []entry
	for _, c := range claims {
		own, named := names[c.Name]
		owner, owned := owners[c.Port]
		switch {
		case named && own.Port == c.Port:
			done.Already = append(done.Already, own)
		case named:
			done.Refused = append(done.Refused, Refusal{c, own})
		case owned:
			done.Refused = append(done.Refused, Refusal{c, owner})
		default:
			added := entry{Name: c.Name, Port: c.Port, Since: now.UTC().Truncate(time.Second)}
			l := r.lease(added)
			names[l.Name], owners[l.Port] = l, l
			taken = append(taken, added)
			done.Taken = append(done.Taken, l)
		}
	}
	if len(taken) == 0 {
		return s, done
	}
	slices.SortFunc(taken, entry.compare)
	return s.put(at, r.with(taken)), done
}
