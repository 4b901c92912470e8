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

// disk is the file system as matcher sees it.
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

// match finds the record of a checkout. It returns its index in s, or -1, and
// its new version, with the current leases: only the labels, the identity and,
// after a move, the directory may differ from the record in s.
func (s state) match(c checkout.Checkout, d disk) (int, record) {
	if c.Directory == "" {
		return s.at(s.index(func(r record) bool { return r.UserWide() }), record{})
	}
	m := matcher{state: s, c: c, disk: d}
	m.own = m.find(func(r record) bool { return !r.override })
	m.self = m.own
	if at, r := s.at(m.own, record{}); at >= 0 && c.Unnamed && r.Directory != c.Directory && (!d.here(r) || d.same(r.Directory, c.Directory)) {
		m.c.Project = r.name() // another path of the same directory: it was not renamed
	}
	if at, r, ok := m.overridden(); ok {
		return at, r
	}
	at, r := s.at(m.own, record{})
	if at < 0 || !m.keepsLabels(r) {
		project := m.project()
		label := m.label(project)
		if at < 0 {
			at, r = s.at(m.recordLeftAt(project, label, false), record{})
		}
		r.Project, r.Worktree = project, label
	}
	return at, m.seen(r)
}

// overridden is place for a checkout with DEVPORTS_WORKTREE; it is not ok if
// that is the directory's own label. An override is the user's choice and part
// of the scope's key, so it may equal git's label for another directory.
func (m matcher) overridden() (at int, r record, ok bool) {
	label := m.c.Override
	if label == "" || label == m.c.Worktree || m.own >= 0 && label == m.state.records[m.own].Worktree {
		return -1, record{}, false
	}
	m.self = m.find(func(r record) bool { return r.override && cmp.Or(r.requested, r.Worktree) == label })
	if m.c.Inherited {
		if m.self < 0 { // the label may have the number that devports added
			m.self = m.find(func(r record) bool { return r.override && r.Worktree == label })
		}
		if m.self < 0 {
			return -1, record{}, false
		}
	}
	at, r = m.state.at(m.self, record{override: true})
	if at < 0 || r.name() != m.c.Project {
		project := m.project()
		if m.own >= 0 && m.keepsLabels(m.state.records[m.own]) {
			project = m.state.records[m.own].Project
		}
		worktree := m.numbered(project, label)
		if at < 0 {
			at, r = m.state.at(m.recordLeftAt(project, worktree, true), r)
		}
		r.Project, r.Worktree = project, worktree
	}
	if r.requested = ""; r.Worktree != label {
		r.requested = label
	}
	return at, m.seen(r), true
}

// matcher finds the record of a checkout in a state.
type matcher struct {
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
func (m matcher) find(match func(record) bool) int {
	at := m.state.index(func(r record) bool { return r.Directory == m.c.Directory && match(r) })
	if at >= 0 || m.c.ID == "" {
		return at
	}
	at = m.state.index(func(r record) bool {
		return r.seen.id == m.c.ID && match(r) &&
			(m.disk.same(r.Directory, m.c.Directory) || r.seen.path == m.c.Path && m.disk.missing(r.Directory))
	})
	if at >= 0 {
		return at
	}
	// The repository may have moved, too, or be mounted elsewhere.
	top := strings.TrimSuffix(m.c.Directory, filepath.FromSlash(m.c.Path))
	return m.state.index(func(r record) bool {
		return r.seen.id == m.c.ID && match(r) && r.name() == m.c.Project && r.seen.path != m.c.Path &&
			m.disk.missing(r.Directory) && m.disk.missing(filepath.Join(top, filepath.FromSlash(r.seen.path)))
	})
}

// seen returns r with the checkout's current identity. The recorded identity
// stays if the repository is not where .git points, because the main checkout
// has moved. A recorded path that is the same directory stays, too.
func (m matcher) seen(r record) record {
	other := r.Directory != "" && r.Directory != m.c.Directory && m.disk.same(r.Directory, m.c.Directory)
	if !other && r.Directory != m.c.Directory {
		r.Directory, r.seen.place = m.c.Directory, ""
	}
	if r.declared = ""; r.Project != m.c.Project {
		r.declared = m.c.Project
	}
	now := identityOf(m.c)
	now.place = r.seen.place
	stays := now == r.seen || (other || m.c.ID == "") && r.seen.known()
	if stays && r.seen.place != "" {
		return r
	}
	if stays {
		now = r.seen
	}
	now.place = m.disk.place(r.Directory)
	r.seen = now
	return r
}

// keepsLabels reports whether the labels of the own record are still valid. A
// checkout keeps them as long as possible: a second clone keeps its label even
// if the first one is removed. But the project may have a new name, a linked
// worktree may be where the main checkout was, or another checkout may have the
// name.
func (m matcher) keepsLabels(r record) bool {
	now := identityOf(m.c)
	now.place = r.seen.place
	switch {
	case r.name() != m.c.Project:
		return false
	case (r.Directory != m.c.Directory || r.seen != now) && m.taken(r.Project, r.Worktree, r.seen.known()):
		return false
	case r.Worktree == "":
		// If a bare repository has moved, its default branch is unknown.
		moved := m.c.ID == "" && shared(r.seen.repository, m.c.Repository)
		return m.c.Worktree == "" || m.c.NoDefaultWorktree || moved
	case m.c.Worktree == "" && !r.seen.known():
		return false // an older devports took it for a second clone
	case m.c.ID == "" && r.seen.known(), filepath.IsAbs(m.c.Remote) && m.disk.missing(m.c.Remote):
		return true // its main checkout, or the source of the clone, has moved
	}
	return !m.hasForeignMain(r.Project)
}

// project returns the label of the checkout's project: that of its other
// checkouts, otherwise its name, with a number if another project has that
// name.
func (m matcher) project() string {
	var labels []string
	for i, r := range m.state.records {
		if i != m.own && !r.UserWide() && m.related(r) && !m.hasForeignMain(r.Project) {
			labels = append(labels, r.Project)
		}
	}
	if _, own := m.state.at(m.own, record{}); m.own >= 0 && own.name() == m.c.Project {
		alone := len(labels) == 0 && (own.Worktree == "" || !m.others(own.Project)) && !m.taken(own.Project, "", own.seen.known())
		if alone || slices.Contains(labels, own.Project) {
			return own.Project
		}
	}
	if len(labels) > 0 {
		return labels[0]
	}
	if at := m.state.index(m.wasAt); at >= 0 && m.own < 0 && !m.hasForeignMain(m.state.records[at].Project) {
		return m.state.records[at].Project
	}
	label := m.c.Project
	for n := 2; m.others(label) || m.taken(label, "", true); n++ {
		label = fmt.Sprintf("%s-%d", m.c.Project, n)
	}
	return label
}

// label returns the checkout's label in its project: git's name for the
// worktree, or for a second clone the name of its directory; with a number if
// another scope has that name.
func (m matcher) label(project string) string {
	_, own := m.state.at(m.own, record{})
	base := m.c.Worktree
	if m.c.NoDefaultWorktree && m.own >= 0 && own.Worktree == "" {
		base = ""
	}
	occupied := m.state.index(func(r record) bool {
		return r.Project == project && r.Worktree == base && !m.is(m.self, r) && !r.UserWide() && !m.disk.gone(r)
	}) >= 0
	switch {
	case occupied && base == "" && own.Project == project && own.Worktree != "":
		base = own.Worktree
	case occupied, base == "" && m.taken(project, base, true):
		base = m.c.Root
	}
	return m.numbered(project, base)
}

// is reports whether r is the record at index i.
func (m matcher) is(i int, r record) bool { return i >= 0 && m.state.records[i].compare(r) == 0 }

// numbered returns a label, with a number if another scope has the same name.
func (m matcher) numbered(project, base string) string {
	label := base
	for n := 2; m.taken(project, label, true); n++ {
		label = fmt.Sprintf("%s-%d", base, n)
	}
	return label
}

// taken reports whether another existing directory, or another project, has the
// name of these labels. Without all, it ignores the records of an older
// devports.
func (m matcher) taken(project, worktree string, all bool) bool {
	_, found := m.namesake(project, worktree, all)
	return found
}

func (m matcher) namesake(project, worktree string, all bool) (Scope, bool) {
	name := uniqueName(project, worktree)
	for i, r := range m.state.records {
		if i != m.self && !r.UserWide() && (all || r.seen.known()) &&
			(r.Name() == name || r.Project != project && uniqueName(r.Project, "") == name) && !m.disk.gone(r) {
			return r.Scope, true
		}
	}
	return Scope{}, false
}

// hasForeignMain reports whether the project with this label has an existing
// main checkout that is not of the checkout's project.
func (m matcher) hasForeignMain(project string) bool {
	for i, r := range m.state.records {
		if i != m.own && r.Project == project && r.Worktree == "" && !r.UserWide() && !m.related(r) && !m.disk.gone(r) {
			return true
		}
	}
	return false
}

// others reports whether another existing directory has this project label.
func (m matcher) others(project string) bool {
	return m.state.index(func(r record) bool {
		return r.Project == project && !m.is(m.own, r) && r.Directory != m.c.Directory && !r.UserWide() && !m.disk.gone(r)
	}) >= 0
}

// related reports whether r belongs to the checkout's project: it is another
// worktree of its repository, or a clone. Outside git, every directory is its
// own project.
func (m matcher) related(r record) bool {
	if r.name() != m.c.Project {
		return false
	}
	seen := r.seen
	if !seen.known() {
		seen = m.disk.identify(r)
	}
	return seen.path == m.c.Path && (shared(seen.repository, m.c.Repository) || shared(seen.remote, m.c.Remote) ||
		shared(seen.remote, m.c.Repository) || shared(seen.repository, m.c.Remote))
}

func shared(a, b string) bool { return a != "" && a == b }

// wasAt reports whether r may be the former location of the checkout: its
// directory is gone, and the project, path and remote do not contradict that.
func (m matcher) wasAt(r record) bool {
	return !r.UserWide() && r.name() == m.c.Project && r.seen.path == m.c.Path &&
		(r.seen.remote == "" || m.c.Remote == "" || r.seen.remote == m.c.Remote) && m.disk.gone(r)
}

// recordLeftAt returns the index of the record of the checkout's former
// location with these labels, or -1.
func (m matcher) recordLeftAt(project, label string, override bool) int {
	return m.state.index(func(r record) bool {
		return r.Project == project && r.Worktree == label && r.override == override && m.wasAt(r)
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
