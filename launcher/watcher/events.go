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

func newTree(path string, sets []set, directories notifier) *tree {
	return &tree{
		path:   path,
		sets:   sets,
		root:   newDirectory(nil, filepath.Base(path), ""),
		notify: directories,
		closed: make(chan struct{}),
		links:  make(map[string]bool),
		failed: make(map[string]bool),
	}
}

// handle brings the tree up to date after events.
func (t *tree) handle(batch []event, b *burst) {
	if slices.ContainsFunc(batch, needsResync) {
		t.resync(b) // first: the new rules apply to the events after their change
	}
	for _, e := range batch {
		t.apply(e, b)
	}
	if t.moved && !t.complete() {
		t.resync(b)
	}
	t.moved = false
}

// needsResync reports whether everything must be read again, because events were
// lost or rules have changed.
func needsResync(e event) bool {
	return errors.Is(e.Err, fsnotify.ErrEventOverflow) || errors.Is(e.Err, ErrUnseen) || filepath.Base(e.Name) == gitignore && e.Op != fsnotify.Chmod
}

func (t *tree) apply(e event, b *burst) {
	if e == targetsChanged {
		t.updateLinks(b)
		return
	}
	if e.Err != nil {
		if newLimitError("", e.Err) != nil { // other errors are for directories that are gone by now
			t.fail(t.path, e.Err, b)
		}
		return
	}
	path := filepath.Clean(e.Name) // fsnotify reports //name in the root directory
	if d := t.directoryOf(path); d != nil {
		t.update(d, filepath.Base(path), e.Op, b)
	}
}

// targetsChanged is the event that targets of links may have changed.
var targetsChanged = event{}

// updateLinks updates the files that are symbolic links.
func (t *tree) updateLinks(b *burst) {
	for _, path := range slices.Sorted(maps.Keys(t.links)) {
		at := t.at(path)
		if d := t.directoryOf(at); d != nil {
			t.update(d, filepath.Base(at), fsnotify.Chmod, b) // it has changed if its stamp has
		} else {
			t.setLink(path, false)
		}
	}
}

// directoryOf returns the directory that contains an absolute path, nil if it
// is not watched or not below the root.
func (t *tree) directoryOf(path string) *directory {
	rest, below := strings.CutPrefix(path, strings.TrimSuffix(t.path, string(filepath.Separator))+string(filepath.Separator))
	if !below {
		return nil
	}
	parts := strings.Split(filepath.ToSlash(rest), "/")
	d := t.root
	for _, part := range parts[:len(parts)-1] {
		if d = d.directories[part]; d == nil {
			return nil
		}
	}
	return d
}

// update reads an entry of a directory again. Events arrive late: only what
// exists now matters, and an event means only that the entry was touched.
func (t *tree) update(d *directory, name string, op fsnotify.Op, b *burst) {
	info, err := os.Lstat(t.at(d.join(name)))
	there := err == nil
	dir := there && info.IsDir()
	gone := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
	// There is no event for a directory that has replaced an empty one.
	if sub := d.directories[name]; sub != nil && (gone || !dir || !os.SameFile(sub.info, info)) {
		t.removeDirectory(d, name, b)
	}
	switch {
	case !there:
		t.removeFile(d, name, b)
	case !dir:
		t.addFile(d, name, func() (os.FileInfo, error) { return info, nil }, op != fsnotify.Chmod, b)
	case d.directories[name] == nil:
		t.removeFile(d, name, b) // a file of that name
		t.addDirectory(d, name, b)
	}
}

// complete reports whether fsnotify watches all existing directories that it
// should. It may not: fsnotify continues to watch the directories in a renamed
// directory by their old names. If they were added by the new names before the
// rename was known, fsnotify took them for the old ones and may have removed
// them since.
func (t *tree) complete() bool {
	watched := make(map[string]bool)
	for _, at := range t.notify.WatchList() {
		watched[at] = true
	}
	var all func(d *directory) bool
	all = func(d *directory) bool {
		if at := t.at(d.path); !watched[at] {
			if info, err := os.Lstat(at); err == nil && info.IsDir() {
				return false
			}
		}
		for _, sub := range d.directories {
			if !all(sub) {
				return false
			}
		}
		return true
	}
	return all(t.root)
}
