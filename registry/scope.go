package registry

import (
	"fmt"
	"path/filepath"
	"unicode/utf8"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry/checkout"
)

// Scope is a namespace of leases: one checkout of a project, or, the zero
// Scope, the whole user.
//
// The directory identifies a scope; project and worktree are its labels, and no
// two existing directories have the same [Scope.Name]. A label from
// DEVPORTS_WORKTREE identifies a scope, too: it creates one beside the
// directory's own. Scopes are comparable with ==.
type Scope struct {
	Directory string // absolute, symlinks resolved; "" for the user-wide scope
	Project   string // the project's own name, with a number if another project has that name
	Worktree  string // "" for the main checkout
}

// UserWide reports whether s is the scope of names that belong to no project.
func (s Scope) UserWide() bool { return s.Directory == "" }

// Main reports whether pins apply in s: it is the main checkout of its project,
// or user-wide.
func (s Scope) Main() bool { return s.Worktree == "" }

// String returns the scope for messages: "shop", "shop (feature)" or
// "user-wide".
func (s Scope) String() string {
	switch {
	case s.UserWide():
		return "user-wide"
	case s.Main():
		return text.OneLine(s.Project)
	}
	return text.OneLine(fmt.Sprintf("%s (%s)", s.Project, s.Worktree))
}

// Qualify returns a name in s for messages: "auth of shop (feature)".
func (s Scope) Qualify(name string) string {
	if s.UserWide() {
		return "the user-wide name " + name
	}
	return name + " of " + s.String()
}

// checkCheckout rejects a checkout that checkout.Find cannot have returned, and
// that the file cannot store.
func checkCheckout(c checkout.Checkout) error {
	if c == (checkout.Checkout{}) {
		return nil
	}
	if c.Project == "" || !filepath.IsAbs(c.Directory) || !utf8.ValidString(c.Directory+c.Project+c.Worktree+c.Repository+c.Path+c.Remote) {
		return fmt.Errorf("registry: invalid checkout %q of project %q", c.Directory, c.Project)
	}
	return nil
}
