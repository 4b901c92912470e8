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
	above       *directory  // nil for the root of the repository
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

func newDirectory(above *directory, name, path string) *directory {
	return &directory{name: name, path: path, above: above, directories: make(map[string]*directory), files: make(map[string]file)}
}

// join returns the path of an entry of the directory.
func (f *directory) join(name string) string { return path.Join(f.path, name) }

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
	t.root.above = t.readAbove(b)
	return t.sync(t.root, b)
}

// sync watches a directory before it lists it, so that no change is missed. It
// reports whether the directory exists and can be watched.
func (t *tree) sync(f *directory, b *burst) bool {
	at := t.at(f.path)
	info, err := os.Lstat(at)
	if err != nil || !t.watch(at, b) {
		return false
	}
	f.info = info
	entries, err := os.ReadDir(at)
	if err != nil {
		_ = t.notify.Remove(at)
		t.fail(at, err, b)
		return false
	}
	f.rules = readRules(at)
	dirs, files := make(map[string]bool), make(map[string]bool)
	for _, e := range entries {
		if e.IsDir() {
			dirs[e.Name()] = true
			t.addDirectory(f, e.Name(), b)
		} else {
			files[e.Name()] = true
			t.addFile(f, e.Name(), e.Info, false, b)
		}
	}
	for name := range f.directories {
		if !dirs[name] {
			t.removeDirectory(f, name, b)
		}
	}
	for name := range f.files {
		if !files[name] {
			t.removeFile(f, name, b)
		}
	}
	return true
}

// addDirectory watches a directory and all directories below it, unless no file
// in it can be in a set.
func (t *tree) addDirectory(f *directory, name string, b *burst) {
	ignored := f.ignores(name, true)
	if !t.reaches(f.join(name), ignored) {
		t.removeDirectory(f, name, new(burst)) // without a change of its files
		return
	}
	if f.directories[name] == nil {
		f.directories[name] = newDirectory(f, name, f.join(name))
		t.moved = true
	}
	f.directories[name].ignored = ignored
	if !t.sync(f.directories[name], b) {
		t.removeDirectory(f, name, b)
	}
}

// addFile records that a file exists. The file has changed if it is new, if its
// stamp differs, or if changed is true.
func (t *tree) addFile(f *directory, name string, stat func() (fs.FileInfo, error), changed bool, b *burst) {
	sets := t.setsOf(f.join(name), f.ignores(name, false))
	if sets == nil {
		delete(f.files, name)
		t.setLink(f.join(name), false)
		return
	}
	info, err := stat()
	link := err == nil && info.Mode()&fs.ModeSymlink != 0
	if link { // it may dangle: Emacs locks files that way
		var target fs.FileInfo
		if target, err = os.Stat(t.at(f.join(name))); err == nil && target.Mode().IsRegular() {
			info = target
		}
	}
	if err != nil || info.Mode().Type()&^fs.ModeSymlink != 0 {
		t.removeFile(f, name, b)
		t.setLink(f.join(name), link) // its target may be created
		return
	}
	t.setLink(f.join(name), link)
	is := file{sets, stamp{info.ModTime().UnixNano(), info.Size()}}
	if was, known := f.files[name]; changed || !known || was.stamp != is.stamp {
		b.add(sets, f.join(name), known, true)
	}
	f.files[name] = is
}

// removeFile records that a file is gone.
func (t *tree) removeFile(f *directory, name string, b *burst) {
	t.setLink(f.join(name), false)
	if was, known := f.files[name]; known {
		delete(f.files, name)
		b.add(was.sets, f.join(name), true, false)
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
func (t *tree) removeDirectory(f *directory, name string, b *burst) {
	sub := f.directories[name]
	if sub == nil {
		return
	}
	delete(f.directories, name)
	t.moved = true
	for name := range sub.files {
		t.removeFile(sub, name, b)
	}
	for name := range sub.directories {
		t.removeDirectory(sub, name, b)
	}
	_ = t.notify.Remove(t.at(sub.path)) // fsnotify may have removed it
}
