package registry

import (
	"context"
	"slices"

	"github.com/devports/devports/registry/checkout"
)

// Gone returns the leases whose directory is gone, in the order of Leases: for
// example, the worktree was removed or the project deleted. A directory that
// cannot be accessed is not gone, nor is one on a volume that is not mounted.
// Errors are those of Leases.
//
// It includes a project that has moved, until its next lease in its new
// directory, unless that is the checkout here.
func (r Registry) Gone(here checkout.Checkout) ([]Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return nil, err
	}
	s := now.state
	if here.Directory != "" {
		if at, rec := s.match(here, realDisk); at >= 0 {
			s = s.put(at, rec)
		}
	}
	return s.gone(realDisk.gone).all(), nil
}

// Prune removes those of the leases that have not changed and whose directory
// is still gone, or that are undeclared, and returns them. So it removes only
// leases that the user has seen. Errors are those of Remove, except
// *UnknownError.
func (r Registry) Prune(ctx context.Context, leases []Lease) ([]Lease, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	var pruned []Lease
	err := r.update(ctx, snapshot{}, func(s state) (state, error) {
		s, pruned = s.prune(leases, realDisk.gone)
		if len(pruned) == 0 {
			return s, errUnchanged
		}
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return pruned, nil
}

// gone returns the part of the state whose directories are gone.
func (s state) gone(gone func(record) bool) state {
	var records []record
	for _, r := range s.records {
		if !r.UserWide() && gone(r) {
			records = append(records, r)
		}
	}
	return state{records}
}

// prune returns the state without those of the leases whose directory is gone
// or that are undeclared, and those leases.
func (s state) prune(leases []Lease, gone func(record) bool) (state, []Lease) {
	candidates := make(map[Lease]bool, len(leases))
	for _, l := range leases {
		candidates[l] = true
	}
	var pruned []Lease
	var records []record
	for _, r := range s.records {
		isCandidate := func(e entry) bool { return candidates[r.lease(e)] }
		if !r.UserWide() && slices.ContainsFunc(r.leases, isCandidate) {
			all := gone(r)
			var left []entry
			for _, e := range r.leases {
				if isCandidate(e) && (all || e.undeclared) {
					pruned = append(pruned, r.lease(e))
				} else {
					left = append(left, e)
				}
			}
			r.leases = left
		}
		if len(r.leases) > 0 {
			records = append(records, r)
		}
	}
	return state{records}, pruned
}
