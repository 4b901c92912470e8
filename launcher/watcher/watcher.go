// Package watcher tells when files have changed.
//
// It watches the folders that hold the files, because an editor may replace a
// file by another of its name, and a file may not be there yet; and for a
// folder that is missing, the nearest one above it.
package watcher

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Quiet is how long nothing must have happened before a change is told: an
// editor's save is several events.
const Quiet = 100 * time.Millisecond

// Watcher watches a set of files. One goroutine owns the set; the methods talk
// to it.
type Watcher struct {
	notify  *fsnotify.Watcher
	sets    chan []string
	changes chan struct{}
	closed  chan struct{}
}

// New returns a Watcher that watches nothing yet. It must be closed.
func New() (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		notify:  notify,
		sets:    make(chan []string),
		changes: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	touched := make(chan struct{})
	go w.run(touched)
	go debounce(Quiet, touched, w.changes, w.closed)
	return w, nil
}

// Changes delivers a value when one or more of the files have changed, come or
// gone, and nothing has happened to them for [Quiet].
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Watch watches the files with these absolute paths, and no others.
func (w *Watcher) Watch(files []string) {
	select {
	case w.sets <- slices.Clone(files):
	case <-w.closed:
	}
}

// Close ends the watching; no change is told any more.
func (w *Watcher) Close() error {
	close(w.closed)
	return w.notify.Close()
}

func (w *Watcher) run(touched chan<- struct{}) {
	var files []string
	for {
		select {
		case files = <-w.sets:
			files = withTargets(files)
			w.follow(files)
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if e.Op == fsnotify.Chmod || !concerns(e.Name, files) {
				continue
			}
			w.follow(files) // a folder may have come or gone
			select {
			case touched <- struct{}{}:
			case <-w.closed:
				return
			}
		case _, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			// Events were lost: whatever they were, the files have to be read again.
			select {
			case touched <- struct{}{}:
			case <-w.closed:
				return
			}
		case <-w.closed:
			return
		}
	}
}

// follow watches the folders of files, and no others.
func (w *Watcher) follow(files []string) {
	var folders []string
	for _, file := range files {
		folder := filepath.Dir(file)
		for {
			if info, err := os.Stat(folder); err == nil && info.IsDir() || folder == filepath.Dir(folder) {
				break
			}
			folder = filepath.Dir(folder)
		}
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	for _, old := range w.notify.WatchList() {
		if !slices.Contains(folders, old) {
			_ = w.notify.Remove(old) // it may be gone already
		}
	}
	for _, folder := range folders {
		_ = w.notify.Add(folder) // if it has just gone, its parent's event follows
	}
}

// withTargets adds the files that symbolic links lead to.
func withTargets(files []string) []string {
	for _, file := range files {
		if target, err := filepath.EvalSymlinks(file); err == nil && !slices.Contains(files, target) {
			files = append(files, target)
		}
	}
	return files
}

// concerns reports whether an event at path may have changed one of files:
// it is one, or a folder on the way to one.
func concerns(path string, files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool {
		return file == path || strings.HasPrefix(file, path+string(filepath.Separator))
	})
}
