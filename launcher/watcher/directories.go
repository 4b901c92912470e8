package watcher

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// tree is the state of the watched directories. In any state, resync brings it
// up to date and adds what has changed to the burst.
type tree struct {
	path   string // path of the root, absolute and without links
	sets   []set
	root   *directory
	notify notifier
	closed chan struct{}
	moved  bool            // directories were added or removed
	links  map[string]bool // the paths of links that are in a set if their target is a file
	relink bool            // links has changed
	failed map[string]bool // the directories whose failure was reported, "" for the limit
}

// notifier is what a tree needs of a queue.
type notifier interface {
	Add(directory string) error
	Remove(directory string) error
	WatchList() []string
}

// directory is a watched directory, or one above the root.
type directory struct {
	name        string
	path        string      // relative to the root, "" for the root
	info        fs.FileInfo // identifies it
	parent      *directory  // nil for the root of the repository
	rules       []rule
	ignored     bool // watched only for files that patterns name literally
	directories map[string]*directory
	files       map[string]file // those in a set
}

type file struct {
	sets  []string // the sets it is in
	stamp stamp
}

// stamp changes when a file is written, but not by chmod.
type stamp struct{ modified, size int64 }

func newDirectory(parent *directory, name, path string) *directory {
	return &directory{name: name, path: path, parent: parent, directories: make(map[string]*directory), files: make(map[string]file)}
}

// join returns the path of an entry of the directory.
func (d *directory) join(name string) string { return path.Join(d.path, name) }

// at returns the absolute path of a relative one.
func (t *tree) at(path string) string { return filepath.Join(t.path, filepath.FromSlash(path)) }

// resync removes and adds all watches. It reports whether the root can be watched.
//
// A path must not be added to fsnotify twice: if the path is now another directory,
// which fsnotify knows by another path, a later Remove would panic (v1.10.1).
func (t *tree) resync(b *burst) bool {
	for _, at := range t.notify.WatchList() {
		_ = t.notify.Remove(at) // the directory may be gone
	}
	t.root.parent = t.readParents(b)
	return t.sync(t.root, b)
}

// sync watches a directory before it lists it, so that no change is missed. It
// reports whether the directory exists and can be watched.
func (t *tree) sync(d *directory, b *burst) bool {
	at := t.at(d.path)
	info, err := os.Lstat(at)
	if err != nil || !t.watch(at, b) {
		return false
	}
	d.info = info
	entries, err := os.ReadDir(at)
	if err != nil {
		_ = t.notify.Remove(at)
		t.fail(at, err, b)
		return false
	}
	d.rules = readRules(at)
	dirs, files := make(map[string]bool), make(map[string]bool)
	for _, e := range entries {
		if e.IsDir() {
			dirs[e.Name()] = true
			t.addDirectory(d, e.Name(), b)
		} else {
			files[e.Name()] = true
			t.addFile(d, e.Name(), e.Info, false, b)
		}
	}
	for name := range d.directories {
		if !dirs[name] {
			t.removeDirectory(d, name, b)
		}
	}
	for name := range d.files {
		if !files[name] {
			t.removeFile(d, name, b)
		}
	}
	return true
}

// addDirectory watches a directory and all directories below it, unless no file
// in it can be in a set.
func (t *tree) addDirectory(d *directory, name string, b *burst) {
	ignored := d.ignores(name, true)
	if !t.reaches(d.join(name), ignored) {
		t.removeDirectory(d, name, new(burst)) // without a change of its files
		return
	}
	if d.directories[name] == nil {
		d.directories[name] = newDirectory(d, name, d.join(name))
		t.moved = true
	}
	d.directories[name].ignored = ignored
	if !t.sync(d.directories[name], b) {
		t.removeDirectory(d, name, b)
	}
}

// addFile records that a file exists. The file has changed if it is new, if its
// stamp differs, or if changed is true.
func (t *tree) addFile(d *directory, name string, stat func() (fs.FileInfo, error), changed bool, b *burst) {
	sets := t.setsOf(d.join(name), d.ignores(name, false))
	if sets == nil {
		delete(d.files, name)
		t.setLink(d.join(name), false)
		return
	}
	info, err := stat()
	link := err == nil && info.Mode()&fs.ModeSymlink != 0
	if link { // it may dangle: Emacs locks files that way
		var target fs.FileInfo
		if target, err = os.Stat(t.at(d.join(name))); err == nil && target.Mode().IsRegular() {
			info = target
		}
	}
	if err != nil || info.Mode().Type()&^fs.ModeSymlink != 0 {
		t.removeFile(d, name, b)
		t.setLink(d.join(name), link) // its target may be created
		return
	}
	t.setLink(d.join(name), link)
	is := file{sets, stamp{info.ModTime().UnixNano(), info.Size()}}
	if was, known := d.files[name]; changed || !known || was.stamp != is.stamp {
		b.add(sets, d.join(name), known, true)
	}
	d.files[name] = is
}

// removeFile records that a file is gone.
func (t *tree) removeFile(d *directory, name string, b *burst) {
	t.setLink(d.join(name), false)
	if was, known := d.files[name]; known {
		delete(d.files, name)
		b.add(was.sets, d.join(name), true, false)
	}
}

// setLink records whether a path is a link.
func (t *tree) setLink(path string, is bool) {
	switch {
	case is == t.links[path]:
		return
	case is:
		t.links[path] = true
	default:
		delete(t.links, path)
	}
	t.relink = true
}

// removeDirectory records that a directory is gone, with everything in it.
func (t *tree) removeDirectory(d *directory, name string, b *burst) {
	sub := d.directories[name]
	if sub == nil {
		return
	}
	delete(d.directories, name)
	t.moved = true
	for name := range sub.files {
		t.removeFile(sub, name, b)
	}
	for name := range sub.directories {
		t.removeDirectory(sub, name, b)
	}
	_ = t.notify.Remove(t.at(sub.path)) // fsnotify may have removed it
}
