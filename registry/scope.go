package registry

import (
	"fmt"
	"path/filepath"
	"unicode/utf8"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry/checkout"
)

// Scope is what names are unique in: one checkout of a project, or, the zero Scope, the user as a whole.
//
// The directory identifies a scope; project and worktree are its labels, and no two living directories have the same [Scope.Name].
// A label given by DEVPORTS_WORKTREE is the user's word, and identifies, too: it sets up a scope beside the directory's own. Scopes
// are compared with ==.
type Scope struct {
	Directory string // absolute, symlinks resolved; "" for the user-wide scope
	Project   string // as the project calls itself, with a number if another project has that name
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
	if c.Project == "" || !filepath.IsAbs(c.Directory) || !utf8.ValidString(c.Directory+c.Project+c.Worktree+c.Repository+c.Path+c.Remote) {
		return fmt.Errorf("registry: bad checkout %q of project %q", c.Directory, c.Project)
	}
	return nil
}
