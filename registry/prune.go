package registry

import (
	"context"
	"slices"
)

// Gone are the leases whose directory is gone, as Leases orders them: the worktree was removed, say, or the project deleted. A
// directory that cannot be looked at is not gone, nor one on a volume that is not mounted. Errors are those of Leases.
//
// A project that has moved is among them until it is leased for in its new place, which takes its leases along.
func (r Registry) Gone() ([]Lease, error) {
	now, err := load(r.path, snapshot{})
	if err != nil {
		return nil, err
	}
	return now.state.gone(realDisk.gone).all(), nil
}

// Prune ends those of the leases, which Gone has returned, that are still as they were and whose directory is still gone, and
// those that are undeclared, and returns them. So what a user was shown, and no more, is dropped. Errors are those of Remove, but for the *UnknownError.
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

// gone is the part of the state whose directories are.
func (s state) gone(gone func(record) bool) state {
	var records []record
	for _, r := range s.records {
		if !r.UserWide() && gone(r) {
			records = append(records, r)
		}
	}
	return state{records}
}

// prune returns the state without those of the leases whose directory is gone, and those leases.
func (s state) prune(leases []Lease, gone func(record) bool) (state, []Lease) {
	asked := make(map[Lease]bool, len(leases))
	for _, l := range leases {
		asked[l] = true
	}
	var pruned []Lease
	var records []record
	for _, r := range s.records {
		isAsked := func(e entry) bool { return asked[r.lease(e)] }
		if !r.UserWide() && slices.ContainsFunc(r.leases, isAsked) {
			all := gone(r)
			var left []entry
			for _, e := range r.leases {
				if isAsked(e) && (all || e.undeclared) {
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
