package registry

import "github.com/devports/devports/registry/checkout"

// Change lists the changes of a scope by a call of Lease, except its ports.
type Change struct {
	Scope Scope

	// From is the scope before its directory was moved or renamed; otherwise it
	// is zero. It is not set if another machine or container, which sees the
	// directory under another path, made the last lease.
	From Scope

	// Namesake is the scope that already had the name of this one, which
	// therefore got another name now; otherwise it is zero.
	Namesake Scope
}

// change returns the changes of the plan's scope, and whether there are any.
func (p plan) change(c checkout.Checkout, d disk) (Change, bool) {
	change := Change{Scope: p.record.Scope}
	_, before := p.state.at(p.at, record{})
	if p.at >= 0 && before.Directory != p.record.Directory && d.here(before) {
		change.From = before.Scope
	}
	if before.Project != p.record.Project || before.Worktree != p.record.Worktree {
		label := c.Worktree
		if p.record.override {
			label = c.Override
		}
		if p.record.Name() != uniqueName(c.Project, label) {
			others := matcher{state: p.state, c: c, disk: d, own: p.at, self: p.at}
			project := c.Project
			if p.record.Worktree != label { // a second clone, or a worktree with a number
				project = p.record.Project
			}
			change.Namesake, _ = others.namesake(project, label, true)
		}
	}
	return change, change != Change{Scope: p.record.Scope}
}
