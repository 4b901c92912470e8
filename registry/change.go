package registry

import "github.com/devports/devports/registry/checkout"

// Change is what a call of Lease has changed of a scope beside its ports.
type Change struct {
	Scope Scope

	// From is what the scope was before its directory was moved or renamed; else it is zero. It is not set where another machine or
	// container, which sees the same directory elsewhere, has leased last.
	From Scope

	// Namesake is the other scope whose name this one would have, had it not been given another now; else it is zero.
	Namesake Scope
}

// change is what the plan changes, and whether that is anything.
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
			others := placing{state: p.state, c: c, disk: d, own: p.at, self: p.at}
			project := c.Project
			if p.record.Worktree != label { // a second clone, or a worktree with a number
				project = p.record.Project
			}
			change.Namesake, _ = others.namesake(project, label, true)
		}
	}
	return change, change != Change{Scope: p.record.Scope}
}
