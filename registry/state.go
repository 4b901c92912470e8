package registry

import (
	"cmp"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// state is the content of the registry. It is immutable: changes return a new
// state.
type state struct {
	records []record // in the order of record.compare, without duplicates
}

// record is one scope and its leases.
type record struct {
	Scope
	override  bool     // DEVPORTS_WORKTREE created this scope, beside the directory's own
	declared  string   // the project's own name, if Project has a number; otherwise ""
	requested string   // the value of DEVPORTS_WORKTREE, if Worktree has a number; otherwise ""
	seen      identity // identifies the checkout after a move
	leases    []entry  // in name order, without duplicates; never empty in a stored state
}

// identity describes a checkout at its last lease: see [checkout.Checkout]. It
// is zero for user-wide names, and for records of an older devports.
type identity struct {
	repository, path, remote, id string
	place                        string // a [checkout.Place]
}

// identityOf returns the identity of a checkout, without its place.
func identityOf(c checkout.Checkout) identity {
	return identity{c.Repository, c.Path, c.Remote, c.ID, ""}
}

// known reports whether the identity is recorded.
func (i identity) known() bool { return i != identity{} }

// name returns the project's own name.
func (r record) name() string {
	if r.declared != "" {
		return r.declared
	}
	return r.Project
}

// entry is a lease without its scope, which is in its record.
type entry struct {
	Name   allocator.PortName
	Port   int
	Pinned bool
	Since  time.Time // UTC, whole seconds, as in the file

	undeclared bool
}

// compare orders records by their key: the directory, and the label of an
// override.
func (r record) compare(o record) int {
	if c := cmp.Compare(r.Directory, o.Directory); c != 0 {
		return c
	}
	switch {
	case r.override && o.override:
		return cmp.Compare(r.Worktree, o.Worktree)
	case o.override:
		return -1
	case r.override:
		return 1
	}
	return 0
}

// sameHeader reports whether r and o are equal except for their leases.
func (r record) sameHeader(o record) bool {
	return r.Scope == o.Scope && r.override == o.override && r.declared == o.declared && r.requested == o.requested && r.seen == o.seen
}

func (r record) lease(e entry) Lease {
	return Lease{r.Scope, e.Name, e.Port, e.Pinned, e.Since, e.undeclared}
}

// compare orders entries by name.
func (e entry) compare(o entry) int { return e.Name.Compare(o.Name) }

// find returns the entry of a name.
func (r record) find(n allocator.PortName) (entry, bool) {
	i, found := slices.BinarySearchFunc(r.leases, entry{Name: n}, entry.compare)
	if !found {
		return entry{}, false
	}
	return r.leases[i], true
}

// with returns the record with entries, which are in name order, added or
// replaced.
func (r record) with(entries []entry) record {
	merged := make([]entry, 0, len(r.leases)+len(entries))
	old := r.leases
	for _, e := range entries {
		for len(old) > 0 && old[0].Name.Compare(e.Name) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].Name == e.Name {
			old = old[1:]
		}
		merged = append(merged, e)
	}
	r.leases = append(merged, old...)
	return r
}

// put returns the state with r in place of the record at index at, or as a new
// record if at is negative. A record without leases is removed.
func (s state) put(at int, r record) state {
	records := slices.Clone(s.records)
	if at >= 0 {
		records = slices.Delete(records, at, at+1)
	}
	if len(r.leases) > 0 {
		i, _ := slices.BinarySearchFunc(records, r, record.compare)
		records = slices.Insert(records, i, r)
	}
	return state{records}
}

// remove returns the state without the leases of names, which are in name order
// and unique, and those leases. It removes nothing if a name is unknown.
func (s state) remove(scope Scope, names []allocator.PortName) (state, []Lease, error) {
	at := slices.IndexFunc(s.records, func(r record) bool { return r.Directory == scope.Directory && r.Worktree == scope.Worktree })
	var r record
	if at >= 0 {
		r = s.records[at]
	}
	var removed []Lease
	var unknown []allocator.PortName
	for _, n := range names {
		if e, found := r.find(n); found {
			removed = append(removed, r.lease(e))
		} else {
			unknown = append(unknown, n)
		}
	}
	if len(unknown) > 0 {
		return s, nil, &UnknownError{scope, unknown}
	}
	r.leases = slices.DeleteFunc(slices.Clone(r.leases), func(e entry) bool {
		_, gone := slices.BinarySearchFunc(names, e.Name, allocator.PortName.Compare)
		return gone
	})
	return s.put(at, r), removed, nil
}

// all returns the leases, by record and then by name.
func (s state) all() []Lease {
	n := 0
	for _, r := range s.records {
		n += len(r.leases)
	}
	leases := make([]Lease, 0, n)
	for _, r := range s.records {
		for _, e := range r.leases {
			leases = append(leases, r.lease(e))
		}
	}
	return leases
}
