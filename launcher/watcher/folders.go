package watcher

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// tree is what is known of the folders that are watched. It is made to be
// brought up to date again and again: whatever state it is in, resync makes it
// right, and tells what has changed since.
type tree struct {
	path   string // of the root, absolute and without links
	sets   []set
	root   *folder
	notify notifier
	closed chan struct{}
	moved  bool            // folders have come or gone
	links  map[string]bool // the paths of links that count if they lead to files
	relink bool            // links has changed
	told   map[string]bool // the folders whose trouble was told, "" for the limit
}

// notifier is what a tree needs of a notify.Watcher.
type notifier interface {
	Add(folder string) error
	Remove(folder string) error
	WatchList() []string
}

// folder is a watched folder, or one above the root.
type folder struct {
	name    string
	path    string      // relative to the root, "" for the root
	info    fs.FileInfo // says which one it is
	above   *folder     // nil for the repository's
	rules   []rule
	ignored bool // it is watched for files that are named literally
	folders map[string]*folder
	files   map[string]file // those that count
}

type file struct {
	sets  []string // that it is in
	stamp stamp
}

// stamp changes when a file is written, and not by chmod.
type stamp struct{ modified, size int64 }

func newFolder(above *folder, name, path string) *folder {
	return &folder{name: name, path: path, above: above, folders: make(map[string]*folder), files: make(map[string]file)}
}

// join is the path of an entry of the folder.
func (f *folder) join(name string) string { return path.Join(f.path, name) }

// at is the absolute path of a relative one.
func (t *tree) at(path string) string { return filepath.Join(t.path, filepath.FromSlash(path)) }

// resync watches everything anew. It reports whether the root can be watched.
//
// A path is never added to fsnotify a second time: if another folder is there by
// now that it knows by another path, a later Remove would panic (v1.10.1).
func (t *tree) resync(b *burst) bool {
	for _, at := range t.notify.WatchList() {
		_ = t.notify.Remove(at) // it may be gone already
	}
	t.root.above = t.climb(b)
	return t.sync(t.root, b)
}

// sync watches a folder, and only then lists it: nothing falls between. It
// reports whether the folder is there and can be watched.
func (t *tree) sync(f *folder, b *burst) bool {
	at := t.at(f.path)
	info, err := os.Lstat(at)
	if err != nil || !t.watch(at, b) {
		return false
	}
	f.info = info
	entries, err := os.ReadDir(at)
	if err != nil {
		_ = t.notify.Remove(at)
		t.trouble(at, err, b)
		return false
	}
	f.rules = readRules(at)
	dirs, files := make(map[string]bool), make(map[string]bool)
	for _, e := range entries {
		if e.IsDir() {
			dirs[e.Name()] = true
			t.enter(f, e.Name(), b)
		} else {
			files[e.Name()] = true
			t.note(f, e.Name(), e.Info, false, b)
		}
	}
	for name := range f.folders {
		if !dirs[name] {
			t.forget(f, name, b)
		}
	}
	for name := range f.files {
		if !files[name] {
			t.gone(f, name, b)
		}
	}
	return true
}

// enter goes down into a folder, unless nothing in it can count.
func (t *tree) enter(f *folder, name string, b *burst) {
	ignored := f.ignores(name, true)
	if !t.reaches(f.join(name), ignored) {
		t.forget(f, name, new(burst)) // its files have not changed
		return
	}
	if f.folders[name] == nil {
		f.folders[name] = newFolder(f, name, f.join(name))
		t.moved = true
	}
	f.folders[name].ignored = ignored
	if !t.sync(f.folders[name], b) {
		t.forget(f, name, b)
	}
}

// note takes in that a file is there, and that it has changed if it is a new one
// or its stamp differs, or in any case.
func (t *tree) note(f *folder, name string, stat func() (fs.FileInfo, error), changed bool, b *burst) {
	sets := t.counting(f.join(name), f.ignores(name, false))
	if sets == nil {
		delete(f.files, name)
		t.link(f.join(name), false)
		return
	}
	info, err := stat()
	link := err == nil && info.Mode()&fs.ModeSymlink != 0
	if link { // Emacs locks a file with one that leads nowhere
		var target fs.FileInfo
		if target, err = os.Stat(t.at(f.join(name))); err == nil && target.Mode().IsRegular() {
			info = target
		}
	}
	if err != nil || info.Mode().Type()&^fs.ModeSymlink != 0 {
		t.gone(f, name, b)
		t.link(f.join(name), link) // what it leads to may come
		return
	}
	t.link(f.join(name), link)
	is := file{sets, stamp{info.ModTime().UnixNano(), info.Size()}}
	if was, known := f.files[name]; changed || !known || was.stamp != is.stamp {
		b.add(sets, f.join(name), known, true)
	}
	f.files[name] = is
}

// gone takes in that a file is not there any more.
func (t *tree) gone(f *folder, name string, b *burst) {
	t.link(f.join(name), false)
	if was, known := f.files[name]; known {
		delete(f.files, name)
		b.add(was.sets, f.join(name), true, false)
	}
}

// link takes in whether a path is that of a link.
func (t *tree) link(path string, is bool) {
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

// forget takes in that a folder is not there any more, with all that is in it.
func (t *tree) forget(f *folder, name string, b *burst) {
	sub := f.folders[name]
	if sub == nil {
		return
	}
	delete(f.folders, name)
	t.moved = true
	for name := range sub.files {
		t.gone(sub, name, b)
	}
	for name := range sub.folders {
		t.forget(sub, name, b)
	}
	_ = t.notify.Remove(t.at(sub.path)) // fsnotify may have found out before
}
