package registry

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/devports/devports/registry/checkout"
)

// disk is what the placing of a checkout asks the file system.
type disk struct {
	gone    func(record) bool       // whether its directory is no more, for certain
	missing func(dir string) bool   // whether it cannot be found from here
	same    func(a, b string) bool  // whether two paths lead to one folder
	place   func(dir string) string // a [checkout.Place]
	here    func(record) bool       // whether this machine or container recorded its directory
	look    func(record) identity   // what an older devports has not recorded
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
	look: func(r record) identity {
		c, _ := checkout.Find(r.Directory, r.name(), func(string) string { return "" })
		return identityOf(c)
	},
}

// place finds the record of a checkout: where it stands in s, or -1, and what it is to be, with the leases it has. Only its labels,
// what is recorded of it and, for one that has moved, its directory may differ from what s holds.
func (s state) place(c checkout.Checkout, d disk) (int, record) {
	if c.Directory == "" {
		return s.at(s.index(func(r record) bool { return r.UserWide() }), record{})
	}
	p := placing{state: s, c: c, disk: d}
	p.own = p.find(func(r record) bool { return !r.override })
	p.self = p.own
	if at, r := s.at(p.own, record{}); at >= 0 && c.Unnamed && r.Directory != c.Directory && (!d.here(r) || d.same(r.Directory, c.Directory)) {
		p.c.Project = r.name() // the folder is called so elsewhere: it was not renamed
	}
	if at, r, ok := p.overridden(); ok {
		return at, r
	}
	at, r := s.at(p.own, record{})
	if at < 0 || !p.keepsLabels(r) {
		project := p.project()
		label := p.label(project)
		if at < 0 {
			at, r = s.at(p.leftAt(project, label, false), record{})
		}
		r.Project, r.Worktree = project, label
	}
	return at, p.seen(r)
}

// overridden is place for a checkout with DEVPORTS_WORKTREE; not ok if that says nothing new. An override is the user's word and
// part of the scope's identity, so it stands even where git's label for another directory is the same.
func (p placing) overridden() (at int, r record, ok bool) {
	label := p.c.Override
	if label == "" || label == p.c.Worktree || p.own >= 0 && label == p.state.records[p.own].Worktree {
		return -1, record{}, false
	}
	p.self = p.find(func(r record) bool { return r.override && cmp.Or(r.asked, r.Worktree) == label })
	if p.c.Inherited {
		if p.self < 0 { // the label may be the one that devports gave
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
			at, r = p.state.at(p.leftAt(project, worktree, true), r)
		}
		r.Project, r.Worktree = project, worktree
	}
	if r.asked = ""; r.Worktree != label {
		r.asked = label
	}
	return at, p.seen(r), true
}

// placing is a checkout that is looked for in a state.
type placing struct {
	state state
	c     checkout.Checkout
	disk  disk
	own   int // the record of its directory, wherever that was before; or -1
	self  int // the record that is to get labels, which an override makes another; or -1
}

// find finds the record of the checkout's folder among those that ask says yes to, or -1: by its path; by what identifies it, if
// this is another path of the same folder (on a file system that knows no case, say), or if the recorded one is gone: it was moved
// or renamed.
func (p placing) find(ask func(record) bool) int {
	at := p.state.index(func(r record) bool { return r.Directory == p.c.Directory && ask(r) })
	if at >= 0 || p.c.ID == "" {
		return at
	}
	return p.state.index(func(r record) bool {
		return r.seen.id == p.c.ID && ask(r) &&
			(p.disk.same(r.Directory, p.c.Directory) || r.seen.path == p.c.Path && p.disk.missing(r.Directory))
	})
}

// seen returns r as the checkout was found now. What is known of it stays where its repository is not where its .git says: the main
// checkout has moved. A path that is another one of the same folder stays, too.
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

// keepsLabels tells whether the labels of the own record still do. They are kept as long as they can be: what a second clone is
// called, say, outlasts the first one. But the project may have been renamed, a linked worktree stand where the main one did, or
// another checkout have the name.
func (p placing) keepsLabels(r record) bool {
	now := identityOf(p.c)
	now.place = r.seen.place
	switch {
	case r.name() != p.c.Project:
		return false
	case (r.Directory != p.c.Directory || r.seen != now) && p.taken(r.Project, r.Worktree, r.seen.known()):
		return false
	case r.Worktree == "":
		// Of a bare repository that has moved it cannot be seen whose branch is the default one.
		moved := p.c.ID == "" && shared(r.seen.repository, p.c.Repository)
		return p.c.Worktree == "" || p.c.Vacant || moved
	case p.c.Worktree == "" && !r.seen.known():
		return false // that it is a second clone is an older devports' word
	case p.c.ID == "" && r.seen.known(), filepath.IsAbs(p.c.Remote) && p.disk.missing(p.c.Remote):
		return true // its main checkout, or what it is a clone of, has moved
	}
	return !p.headed(r.Project)
}

// project is the label of the checkout's project: that of its other checkouts, else its name, with a number if another project has
// that.
func (p placing) project() string {
	var labels []string
	for i, r := range p.state.records {
		if i != p.own && !r.UserWide() && p.related(r) && !p.headed(r.Project) {
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
	if at := p.state.index(p.left); at >= 0 && p.own < 0 && !p.headed(p.state.records[at].Project) {
		return p.state.records[at].Project
	}
	label := p.c.Project
	for n := 2; p.others(label) || p.taken(label, "", true); n++ {
		label = fmt.Sprintf("%s-%d", p.c.Project, n)
	}
	return label
}

// label is what the checkout's worktree is called within its project: git's name for it; for a second clone the name of its
// directory; either with a number where another scope is called so.
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

// is tells whether r stands at i.
func (p placing) is(i int, r record) bool { return i >= 0 && p.state.records[i].compare(r) == 0 }

// numbered is a label, with a number if another scope would be called alike.
func (p placing) numbered(project, base string) string {
	label := base
	for n := 2; p.taken(project, label, true); n++ {
		label = fmt.Sprintf("%s-%d", base, n)
	}
	return label
}

// taken tells whether the name of these labels is that of another living directory, or of another project. Without all, only of what
// this devports, and no older one, has recorded.
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

// headed tells whether the main checkout of the project with this label lives and is not of the checkout's project.
func (p placing) headed(project string) bool {
	for i, r := range p.state.records {
		if i != p.own && r.Project == project && r.Worktree == "" && !r.UserWide() && !p.related(r) && !p.disk.gone(r) {
			return true
		}
	}
	return false
}

// others tells whether the label of a project is that of another living directory.
func (p placing) others(project string) bool {
	return p.state.index(func(r record) bool {
		return r.Project == project && !p.is(p.own, r) && r.Directory != p.c.Directory && !r.UserWide() && !p.disk.gone(r)
	}) >= 0
}

// related tells whether r is of the checkout's project: another worktree of its repository, or a clone. Outside git, every folder is
// a project.
func (p placing) related(r record) bool {
	if r.name() != p.c.Project {
		return false
	}
	seen := r.seen
	if !seen.known() {
		seen = p.disk.look(r)
	}
	return seen.path == p.c.Path && (shared(seen.repository, p.c.Repository) || shared(seen.remote, p.c.Remote) ||
		shared(seen.remote, p.c.Repository) || shared(seen.repository, p.c.Remote))
}

func shared(a, b string) bool { return a != "" && a == b }

// left tells whether r may be where the checkout was before: its directory is gone, and nothing says that it was another.
func (p placing) left(r record) bool {
	return !r.UserWide() && r.name() == p.c.Project && r.seen.path == p.c.Path &&
		(r.seen.remote == "" || p.c.Remote == "" || r.seen.remote == p.c.Remote) && p.disk.gone(r)
}

// leftAt is where the record stands that the checkout has left behind under these labels, or -1.
func (p placing) leftAt(project, label string, override bool) int {
	return p.state.index(func(r record) bool {
		return r.Project == project && r.Worktree == label && r.override == override && p.left(r)
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
