package registry

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/registry/checkout"
)

// disk is the file system as placing sees it.
type disk struct {
	gone     func(record) bool       // whether its directory is certainly gone
	missing  func(dir string) bool   // whether it does not exist as seen from here
	same     func(a, b string) bool  // whether two paths are the same directory
	place    func(dir string) string // a [checkout.Place]
	here     func(record) bool       // whether this machine or container recorded its directory
	identify func(record) identity   // the identity that an older devports has not recorded
}

var realDisk = disk{
	gone:    func(r record) bool { return checkout.ParsePlace(r.seen.place).IsGone(r.Directory) },
	missing: checkout.IsMissing,
	same: func(a, b string) bool {
		first, err := os.Stat(a)
		second, err2 := os.Stat(b)
		return err == nil && err2 == nil && os.SameFile(first, second)
	},
	place: func(dir string) string { return checkout.PlaceOf(dir).String() },
	here:  func(r record) bool { return checkout.ParsePlace(r.seen.place).IsHere() },
	identify: func(r record) identity {
		c, _ := checkout.Find(r.Directory, r.name(), func(string) string { return "" })
		return identityOf(c)
	},
}

// place finds the record of a checkout. It returns its index in s, or -1, and
// its new version, with the current leases: only the labels, the identity and,
// after a move, the directory may differ from the record in s.
func (s state) place(c checkout.Checkout, d disk) (int, record) {
	if c.Directory == "" {
		return s.at(s.index(func(r record) bool { return r.UserWide() }), record{})
	}
	p := placing{state: s, c: c, disk: d}
	p.own = p.find(func(r record) bool { return !r.override })
	p.self = p.own
	if at, r := s.at(p.own, record{}); at >= 0 && c.Unnamed && r.Directory != c.Directory && (!d.here(r) || d.same(r.Directory, c.Directory)) {
		p.c.Project = r.name() // another path of the same directory: it was not renamed
	}
	if at, r, ok := p.overridden(); ok {
		return at, r
	}
	at, r := s.at(p.own, record{})
	if at < 0 || !p.keepsLabels(r) {
		project := p.project()
		label := p.label(project)
		if at < 0 {
			at, r = s.at(p.recordLeftAt(project, label, false), record{})
		}
		r.Project, r.Worktree = project, label
	}
	return at, p.seen(r)
}

// overridden is place for a checkout with DEVPORTS_WORKTREE; it is not ok if
// that is the directory's own label. An override is the user's choice and part
// of the scope's key, so it may equal git's label for another directory.
func (p placing) overridden() (at int, r record, ok bool) {
	label := p.c.Override
	if label == "" || label == p.c.Worktree || p.own >= 0 && label == p.state.records[p.own].Worktree {
		return -1, record{}, false
	}
	p.self = p.find(func(r record) bool { return r.override && cmp.Or(r.requested, r.Worktree) == label })
	if p.c.Inherited {
		if p.self < 0 { // the label may have the number that devports added
			p.self = p.find(func(r record) bool { return r.override && r.Worktree == label })
		}
		if p.self < 0 {
			return -1, record{}, false
		}
	}
	at, r = p.state.at(p.self, record{override: true})
	if at < 0 || r.name() != p.c.Project {
		project := p.project()
		if p.own >= 0 && p.keepsLabels(p.state.records[p.own]) {
			project = p.state.records[p.own].Project
		}
		worktree := p.numbered(project, label)
		if at < 0 {
			at, r = p.state.at(p.recordLeftAt(project, worktree, true), r)
		}
		r.Project, r.Worktree = project, worktree
	}
	if r.requested = ""; r.Worktree != label {
		r.requested = label
	}
	return at, p.seen(r), true
}

// placing is the search for a checkout in a state.
type placing struct {
	state state
	c     checkout.Checkout
	disk  disk
	own   int // the record of its directory, even after a move; or -1
	self  int // the record that gets the labels: own, or that of an override; or -1
}

// find returns the index of the record of the checkout's directory among those
// that match, or -1. It compares the path; then the ID, if the recorded path is
// the same directory (for example on a case-insensitive file system) or is
// missing, because the directory was moved or renamed. Last, it looks for a
// directory with the project's name that was moved inside the repository.
func (p placing) find(match func(record) bool) int {
	at := p.state.index(func(r record) bool { return r.Directory == p.c.Directory && match(r) })
	if at >= 0 || p.c.ID == "" {
		return at
	}
	at = p.state.index(func(r record) bool {
		return r.seen.id == p.c.ID && match(r) &&
			(p.disk.same(r.Directory, p.c.Directory) || r.seen.path == p.c.Path && p.disk.missing(r.Directory))
	})
	if at >= 0 {
		return at
	}
	// The repository may have moved, too, or be mounted elsewhere.
	top := strings.TrimSuffix(p.c.Directory, filepath.FromSlash(p.c.Path))
	return p.state.index(func(r record) bool {
		return r.seen.id == p.c.ID && match(r) && r.name() == p.c.Project && r.seen.path != p.c.Path &&
			p.disk.missing(r.Directory) && p.disk.missing(filepath.Join(top, filepath.FromSlash(r.seen.path)))
	})
}

// seen returns r with the checkout's current identity. The recorded identity
// stays if the repository is not where .git points, because the main checkout
// has moved. A recorded path that is the same directory stays, too.
func (p placing) seen(r record) record {
	other := r.Directory != "" && r.Directory != p.c.Directory && p.disk.same(r.Directory, p.c.Directory)
	if !other && r.Directory != p.c.Directory {
		r.Directory, r.seen.place = p.c.Directory, ""
	}
	if r.declared = ""; r.Project != p.c.Project {
		r.declared = p.c.Project
	}
	now := identityOf(p.c)
	now.place = r.seen.place
	stays := now == r.seen || (other || p.c.ID == "") && r.seen.known()
	if stays && r.seen.place != "" {
		return r
	}
	if stays {
		now = r.seen
	}
	now.place = p.disk.place(r.Directory)
	r.seen = now
	return r
}

// keepsLabels reports whether the labels of the own record are still valid. A
// checkout keeps them as long as possible: a second clone keeps its label even
// if the first one is removed. But the project may have a new name, a linked
// worktree may be where the main checkout was, or another checkout may have the
// name.
func (p placing) keepsLabels(r record) bool {
	now := identityOf(p.c)
	now.place = r.seen.place
	switch {
	case r.name() != p.c.Project:
		return false
	case (r.Directory != p.c.Directory || r.seen != now) && p.taken(r.Project, r.Worktree, r.seen.known()):
		return false
	case r.Worktree == "":
		// If a bare repository has moved, its default branch is unknown.
		moved := p.c.ID == "" && shared(r.seen.repository, p.c.Repository)
		return p.c.Worktree == "" || p.c.Vacant || moved
	case p.c.Worktree == "" && !r.seen.known():
		return false // an older devports took it for a second clone
	case p.c.ID == "" && r.seen.known(), filepath.IsAbs(p.c.Remote) && p.disk.missing(p.c.Remote):
		return true // its main checkout, or the source of the clone, has moved
	}
	return !p.hasForeignMain(r.Project)
}

// project returns the label of the checkout's project: that of its other
// checkouts, otherwise its name, with a number if another project has that
// name.
func (p placing) project() string {
	var labels []string
	for i, r := range p.state.records {
		if i != p.own && !r.UserWide() && p.related(r) && !p.hasForeignMain(r.Project) {
			labels = append(labels, r.Project)
		}
	}
	if _, own := p.state.at(p.own, record{}); p.own >= 0 && own.name() == p.c.Project {
		alone := len(labels) == 0 && (own.Worktree == "" || !p.others(own.Project)) && !p.taken(own.Project, "", own.seen.known())
		if alone || slices.Contains(labels, own.Project) {
			return own.Project
		}
	}
	if len(labels) > 0 {
		return labels[0]
	}
	if at := p.state.index(p.wasAt); at >= 0 && p.own < 0 && !p.hasForeignMain(p.state.records[at].Project) {
		return p.state.records[at].Project
	}
	label := p.c.Project
	for n := 2; p.others(label) || p.taken(label, "", true); n++ {
		label = fmt.Sprintf("%s-%d", p.c.Project, n)
	}
	return label
}

// label returns the checkout's label in its project: git's name for the
// worktree, or for a second clone the name of its directory; with a number if
// another scope has that name.
func (p placing) label(project string) string {
	_, own := p.state.at(p.own, record{})
	base := p.c.Worktree
	if p.c.Vacant && p.own >= 0 && own.Worktree == "" {
		base = ""
	}
	occupied := p.state.index(func(r record) bool {
		return r.Project == project && r.Worktree == base && !p.is(p.self, r) && !r.UserWide() && !p.disk.gone(r)
	}) >= 0
	switch {
	case occupied && base == "" && own.Project == project && own.Worktree != "":
		base = own.Worktree
	case occupied, base == "" && p.taken(project, base, true):
		base = p.c.Root
	}
	return p.numbered(project, base)
}

// is reports whether r is the record at index i.
func (p placing) is(i int, r record) bool { return i >= 0 && p.state.records[i].compare(r) == 0 }

// numbered returns a label, with a number if another scope has the same name.
func (p placing) numbered(project, base string) string {
	label := base
	for n := 2; p.taken(project, label, true); n++ {
		label = fmt.Sprintf("%s-%d", base, n)
	}
	return label
}

// taken reports whether another existing directory, or another project, has the
// name of these labels. Without all, it ignores the records of an older
// devports.
func (p placing) taken(project, worktree string, all bool) bool {
	_, found := p.namesake(project, worktree, all)
	return found
}

func (p placing) namesake(project, worktree string, all bool) (Scope, bool) {
	name := uniqueName(project, worktree)
	for i, r := range p.state.records {
		if i != p.self && !r.UserWide() && (all || r.seen.known()) &&
			(r.Name() == name || r.Project != project && uniqueName(r.Project, "") == name) && !p.disk.gone(r) {
			return r.Scope, true
		}
	}
	return Scope{}, false
}

// hasForeignMain reports whether the project with this label has an existing
// main checkout that is not of the checkout's project.
func (p placing) hasForeignMain(project string) bool {
	for i, r := range p.state.records {
		if i != p.own && r.Project == project && r.Worktree == "" && !r.UserWide() && !p.related(r) && !p.disk.gone(r) {
			return true
		}
	}
	return false
}

// others reports whether another existing directory has this project label.
func (p placing) others(project string) bool {
	return p.state.index(func(r record) bool {
		return r.Project == project && !p.is(p.own, r) && r.Directory != p.c.Directory && !r.UserWide() && !p.disk.gone(r)
	}) >= 0
}

// related reports whether r belongs to the checkout's project: it is another
// worktree of its repository, or a clone. Outside git, every directory is its
// own project.
func (p placing) related(r record) bool {
	if r.name() != p.c.Project {
		return false
	}
	seen := r.seen
	if !seen.known() {
		seen = p.disk.identify(r)
	}
	return seen.path == p.c.Path && (shared(seen.repository, p.c.Repository) || shared(seen.remote, p.c.Remote) ||
		shared(seen.remote, p.c.Repository) || shared(seen.repository, p.c.Remote))
}

func shared(a, b string) bool { return a != "" && a == b }

// wasAt reports whether r may be the former location of the checkout: its
// directory is gone, and the project, path and remote do not contradict that.
func (p placing) wasAt(r record) bool {
	return !r.UserWide() && r.name() == p.c.Project && r.seen.path == p.c.Path &&
		(r.seen.remote == "" || p.c.Remote == "" || r.seen.remote == p.c.Remote) && p.disk.gone(r)
}

// recordLeftAt returns the index of the record of the checkout's former
// location with these labels, or -1.
func (p placing) recordLeftAt(project, label string, override bool) int {
	return p.state.index(func(r record) bool {
		return r.Project == project && r.Worktree == label && r.override == override && p.wasAt(r)
	})
}

func (s state) index(f func(record) bool) int { return slices.IndexFunc(s.records, f) }

// at returns the record at i and i, or -1 and otherwise.
func (s state) at(i int, otherwise record) (int, record) {
	if i < 0 {
		return -1, otherwise
	}
	return i, s.records[i]
}
