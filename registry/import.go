package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// Imported is the result of Import; each list is in the order of the claims.
type Imported struct {
	Taken   []Lease // new leases
	Already []Lease // of names that already had their ports
	Refused []Refusal
}

// Refusal is a claim that was refused, and the conflicting lease: that of the
// same name, or that of the same port.
type Refusal struct {
	Claim
	Lease Lease
}

// Import adds a user-wide lease for each claim from another program's file. It
// never changes a lease: it refuses a claim if the name already has another
// port, or the port belongs to another name. It is one update, and safe to
// repeat.
//
// The new leases are chosen, not pinned. Like those programs' entries, they
// have one owner: no other name gets the port, and pinning it is a conflict. If
// they were pinned, any other name could pin the number, too.
//
// If nothing changes, Import reads the file once and takes no lock. Errors are
// those of Lease, except *ConflictError.
func (r Registry) Import(ctx context.Context, claims []Claim) (Imported, error) {
	for _, c := range claims {
		if err := checkName(c.Name); err != nil {
			return Imported{}, err
		}
		if !validPort(c.Port) {
			return Imported{}, fmt.Errorf("registry: the claim of %s has the invalid port %d", c.Name, c.Port)
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

// take returns the state with the claims that conflict with no lease, and the
// result for each claim.
func (s state) take(claims []Claim, now time.Time) (state, Imported) {
	at, r := s.match(checkout.Checkout{}, realDisk)
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
