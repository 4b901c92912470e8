package watcher

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

func newTree(path string, sets []set, folders notifier) *tree {
	return &tree{
		path:   path,
		sets:   sets,
		root:   newFolder(nil, filepath.Base(path), ""),
		notify: folders,
		closed: make(chan struct{}),
		links:  make(map[string]bool),
		told:   make(map[string]bool),
	}
}

// handle brings the tree up to date after events.
func (t *tree) handle(batch []event, b *burst) {
	if slices.ContainsFunc(batch, upsets) {
		t.resync(b) // first: what follows a change of rules is judged by the new ones
	}
	for _, e := range batch {
		t.take(e, b)
	}
	if t.moved && !t.agreed() {
		t.resync(b)
	}
	t.moved = false
}

// upsets reports whether everything must be looked at again: events are lost, or
// rules have changed.
func upsets(e event) bool {
	return errors.Is(e.Err, fsnotify.ErrEventOverflow) || errors.Is(e.Err, ErrUnseen) || filepath.Base(e.Name) == gitignore && e.Op != fsnotify.Chmod
}

func (t *tree) take(e event, b *burst) {
	if e == targetsChanged {
		t.lookAtLinks(b)
		return
	}
	if e.Err != nil {
		if newLimitError("", e.Err) != nil { // others are of folders that are gone by now
			t.trouble(t.path, e.Err, b)
		}
		return
	}
	path := filepath.Clean(e.Name) // fsnotify has //name in the system's root
	if f := t.holding(path); f != nil {
		t.look(f, filepath.Base(path), e.Op, b)
	}
}

// targetsChanged says that what links lead to may have changed.
var targetsChanged = event{}

// lookAtLinks finds out what has become of what links lead to.
func (t *tree) lookAtLinks(b *burst) {
	for _, path := range slices.Sorted(maps.Keys(t.links)) {
		at := t.at(path)
		if f := t.holding(at); f != nil {
			t.look(f, filepath.Base(at), fsnotify.Chmod, b) // its stamp decides
		} else {
			t.link(path, false)
		}
	}
}

// holding returns the folder that an absolute path is an entry of, nil if it is
// not watched, or not any more, or not below the root.
func (t *tree) holding(path string) *folder {
	rest, below := strings.CutPrefix(path, strings.TrimSuffix(t.path, string(filepath.Separator))+string(filepath.Separator))
	if !below {
		return nil
	}
	parts := strings.Split(filepath.ToSlash(rest), "/")
	f := t.root
	for _, part := range parts[:len(parts)-1] {
		if f = f.folders[part]; f == nil {
			return nil
		}
	}
	return f
}

// look finds out what has become of an entry of a folder. Events come late: what
// is there now counts, and an event says only that it was touched.
func (t *tree) look(f *folder, name string, op fsnotify.Op, b *burst) {
	info, err := os.Lstat(t.at(f.join(name)))
	there := err == nil
	dir := there && info.IsDir()
	gone := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
	// No event says that a folder took the place of an empty one.
	if sub := f.folders[name]; sub != nil && (gone || !dir || !os.SameFile(sub.info, info)) {
		t.forget(f, name, b)
	}
	switch {
	case !there:
		t.gone(f, name, b)
	case !dir:
		t.note(f, name, func() (os.FileInfo, error) { return info, nil }, op != fsnotify.Chmod, b)
	case f.folders[name] == nil:
		t.gone(f, name, b) // the file that was there
		t.enter(f, name, b)
	}
}

// agreed reports whether fsnotify watches all the folders that it should and
// that are still there. It may not: it goes on to watch by the old names what is
// in a renamed folder. If that was found by the new names before the rename was
// known, it has been taken for the old, and may be forgotten by now.
func (t *tree) agreed() bool {
	watched := make(map[string]bool)
	for _, at := range t.notify.WatchList() {
		watched[at] = true
	}
	var all func(f *folder) bool
	all = func(f *folder) bool {
		if at := t.at(f.path); !watched[at] {
			if info, err := os.Lstat(at); err == nil && info.IsDir() {
				return false
			}
		}
		for _, sub := range f.folders {
			if !all(sub) {
				return false
			}
		}
		return true
	}
	return all(t.root)
}
