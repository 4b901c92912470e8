package registry

import (
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry/checkout"
)

// Scope is what names are unique in: one checkout of a project, or, the zero Scope, the user as a whole.
//
// The directory identifies a scope; project and worktree are its labels, and no two living directories have both alike. The
// exception is a label given by DEVPORTS_WORKTREE. It is the user's word, and identifies: it sets up a scope beside the directory's
// own. Scopes are compared with ==.
type Scope struct {
	Directory string // absolute, symlinks resolved; "" for the user-wide scope
	Project   string
	Worktree  string // "" for the main checkout
}

// UserWide tells whether s is the scope of names that belong to no project.
func (s Scope) UserWide() bool { return s.Directory == "" }

// Main tells whether pins bind in s: it is the main checkout of its project, or user-wide.
func (s Scope) Main() bool { return s.Worktree == "" }

// String is for messages: "shop", "shop (feature)" or "user-wide".
func (s Scope) String() string {
	switch {
	case s.UserWide():
		return "user-wide"
	case s.Main():
		return text.OneLine(s.Project)
	}
	return text.OneLine(fmt.Sprintf("%s (%s)", s.Project, s.Worktree))
}

// Qualify is for messages: whose a name in s is, as "auth of shop (feature)".
func (s Scope) Qualify(name string) string {
	if s.UserWide() {
		return "the user-wide name " + name
	}
	return name + " of " + s.String()
}

// checkCheckout refuses a checkout that checkout.Find cannot have made, and that the file could not hold.
func checkCheckout(c checkout.Checkout) error {
	if c == (checkout.Checkout{}) {
		return nil
	}
	if c.Project == "" || !filepath.IsAbs(c.Directory) || !utf8.ValidString(c.Directory+c.Project+c.Worktree) {
		return fmt.Errorf("registry: bad checkout %q of project %q", c.Directory, c.Project)
	}
	return nil
}

// place finds the record of a checkout: where it stands in s, or -1, and what it is to be, with the leases it has. Only its labels
// and, for a project that has moved, its directory may differ from what s holds. gone tells whether a directory is no more; it is
// asked about recorded directories with the checkout's labels only.
func (s state) place(c checkout.Checkout, gone func(string) bool) (int, record) {
	own := s.index(func(r record) bool { return r.Directory == c.Directory && !r.override })
	if c.Directory == "" {
		return s.at(own, record{})
	}
	if at, r, ok := s.overridden(c, own, gone); ok {
		return at, r
	}
	if own >= 0 && s.records[own].labelled(c) {
		return s.at(own, record{})
	}
	for label := range labels(c) {
		scope := Scope{c.Directory, c.Project, label}
		taken, moved := s.namesakes(scope, false, gone)
		switch {
		case taken:
			continue
		case own >= 0:
			moved = own
		}
		at, r := s.at(moved, record{})
		r.Scope = scope
		return at, r
	}
	panic("unreachable: labels never end")
}

// labelled tells whether the labels of r still do for its checkout. They are kept as long as they can be: what a second clone is
// called, say, outlasts the first one. But the project may have been renamed, or a linked worktree stand where the main one did.
func (r record) labelled(c checkout.Checkout) bool {
	return r.Project == c.Project && (r.Worktree != "" || c.Worktree == "")
}

// overridden is place for a checkout with DEVPORTS_WORKTREE; not ok if that says nothing new. An override is the user's word and
// part of the scope's identity, so it stands even where another directory has the same labels.
func (s state) overridden(c checkout.Checkout, own int, gone func(string) bool) (at int, r record, ok bool) {
	if c.Override == "" || c.Override == c.Worktree || own >= 0 && c.Override == s.records[own].Worktree {
		return -1, record{}, false
	}
	scope := Scope{c.Directory, c.Project, c.Override}
	at = s.index(func(r record) bool { return r.override && r.Directory == c.Directory && r.Worktree == c.Override })
	if at < 0 && c.Inherited {
		return -1, record{}, false
	}
	if at < 0 {
		_, at = s.namesakes(scope, true, gone)
	}
	at, r = s.at(at, record{override: true})
	r.Scope = scope
	return at, r, true
}

// namesakes looks at the other records with the labels of scope: whether the directory of one lives, and where the first stands,
// or -1, whose directory is gone and which was set up in the same manner: its project has moved.
func (s state) namesakes(scope Scope, override bool, gone func(string) bool) (taken bool, moved int) {
	moved = -1
	for i, r := range s.records {
		own := r.Directory == scope.Directory && r.override == override
		if own || r.UserWide() || r.Project != scope.Project || r.Worktree != scope.Worktree {
			continue
		}
		switch {
		case !gone(r.Directory):
			taken = true
		case moved < 0 && r.override == override:
			moved = i
		}
	}
	return taken, moved
}

// labels are what a checkout's worktree may be called, best first, without end: git's name for it, for a second clone the name
// of its directory, and that with a number.
func labels(c checkout.Checkout) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(c.Worktree) || !yield(c.Root) {
			return
		}
		for n := 2; yield(fmt.Sprintf("%s-%d", c.Root, n)); n++ {
		}
	}
}

func (s state) index(f func(record) bool) int { return slices.IndexFunc(s.records, f) }

// at returns the record at i and i, or -1 and otherwise.
func (s state) at(i int, otherwise record) (int, record) {
	if i < 0 {
		return -1, otherwise
	}
	return i, s.records[i]
}
