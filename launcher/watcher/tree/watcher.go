// Package tree tells when files below a folder have changed that match a set of
// patterns and that git does not ignore.
//
// # Patterns
//
// A pattern is a glob of [doublestar], "/"-separated and relative to the root; a
// leading "!" makes it an exclusion. A file counts if it matches a pattern and
// no exclusion, in whatever order they stand. Where there are exclusions only,
// all other files count. A file changes when it is written or touched, not by
// chmod.
//
// What a .gitignore ignores, below the root or above it in the same repository,
// does not count, unless a pattern without any glob character names it. Where
// the root itself is ignored, only the .gitignore files in and below it matter:
// somebody means to work there. Folders called .git and node_modules are
// skipped in any case. Symbolic links are not followed; a link is a file of its
// own. Sockets, pipes and devices never count.
//
// When a .gitignore changes, files that count from now on are told as if they
// had come, since they may have changed with it; those that count no more are
// not told.
//
// # Folders
//
// A folder is watched if a file that counts could lie below it, now or later,
// and besides those above the root whose .gitignore matters. What is ignored or
// excluded as a whole ("!vendor/**") costs no watch.
//
// The root must stay: nothing is told any more once it is removed or renamed.
//
// # Concurrency
//
//	fsnotify ─► collect ─► run ─► Changes
//
// Each arrow is a channel between two goroutines. run owns all that is known of
// folders, files and the change to be told, and is the only one that changes
// what fsnotify watches. collect takes events at any time, whatever run does:
// the kernel's queue is short, and on Windows, fsnotify's Add waits for the
// goroutine that sends them.
//
// [doublestar]: https://pkg.go.dev/github.com/bmatcuk/doublestar/v4#Match
package tree

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// Quiet is how long nothing relevant must have happened before a change is
	// told: a save or a checkout is many events.
	Quiet = 100 * time.Millisecond
	// Latest is after how long a change is told though more and more happens.
	Latest = 2 * time.Second
)

// Watcher watches the folders below a root.
type Watcher struct {
	notify  *fsnotify.Watcher
	changes chan Change
	close   func() error
}

// New watches what is below root for several sets of patterns at once, by the
// sets' names. Whatever happens to a file that counts once New has returned will
// be told.
//
// The error says which pattern is wrong, or why root cannot be watched; it is a
// [LimitError] if there are too many watchers. Folders below root that cannot be
// watched are no error here but in the first [Change].
//
// The Watcher must be closed.
func New(root string, sets map[string][]string) (*Watcher, error) {
	return newWatcher(root, sets, options{Quiet, Latest, (*fsnotify.Watcher).Add})
}

// options are what tests choose.
type options struct {
	quiet, latest time.Duration
	add           func(notify *fsnotify.Watcher, folder string) error
}

func newWatcher(root string, patterns map[string][]string, o options) (*Watcher, error) {
	sets, err := newSets(patterns)
	if err != nil {
		return nil, err
	}
	if root, err = realPath(root); err != nil {
		return nil, err
	}
	notify, err := fsnotify.NewWatcher()
	if limit := newLimitError(root, err); limit != nil {
		return nil, limit
	} else if err != nil {
		return nil, err
	}
	w := &Watcher{notify: notify, changes: make(chan Change)}
	if err := w.start(newTree(root, sets, adding{notify, o.add}), o); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Watcher) start(t *tree, o options) error {
	events := make(chan []event)
	var collecting, running sync.WaitGroup
	w.close = sync.OnceValue(func() error {
		close(t.closed)
		running.Wait() // first: nothing may be added to what is closed
		err := w.notify.Close()
		collecting.Wait()
		return err
	})
	collecting.Go(func() { collect(w.notify.Events, w.notify.Errors, events) })
	var first burst
	if !t.resync(&first) {
		if len(first.errs) == 0 { // it is no folder, or gone just now
			return &fs.PathError{Op: "watch", Path: t.path, Err: syscall.ENOTDIR}
		}
		return errors.Join(first.errs...)
	}
	first = burst{count: len(first.errs), errs: first.errs} // that files are there is no change
	running.Go(func() { run(events, t.handle, first, o, w.changes, t.closed) })
	return nil
}

// adding is fsnotify, with another way to add a folder.
type adding struct {
	*fsnotify.Watcher
	add func(notify *fsnotify.Watcher, folder string) error
}

func (a adding) Add(folder string) error { return a.add(a.Watcher, folder) }

// realPath makes a path absolute and follows its links: git, too, looks above
// the real folder.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

func newSets(patterns map[string][]string) (sets []set, err error) {
	for _, name := range slices.Sorted(maps.Keys(patterns)) {
		s, err := newSet(name, patterns[name])
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// Changes delivers one value for all that has happened until nothing relevant
// did for [Quiet], or for [Latest]. What happens before a value is taken is
// added to it.
func (w *Watcher) Changes() <-chan Change { return w.changes }

// Close ends the watching; no change is told any more.
func (w *Watcher) Close() error { return w.close() }

// event is what fsnotify has sent: an event, or an error that says that some
// are lost.
type event struct {
	fsnotify.Event
	err error
}

// collect passes on all events that have come since it last did, and takes more
// at any time, until fsnotify is closed.
func collect(events <-chan fsnotify.Event, failures <-chan error, out chan<- []event) {
	var waiting []event
	for {
		var ready chan<- []event // out while there is something to pass on, else nil
		if len(waiting) > 0 {
			ready = out
		}
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			waiting = append(waiting, event{Event: e})
		case err, ok := <-failures:
			if !ok {
				return
			}
			waiting = append(waiting, event{err: err})
		case ready <- waiting:
			waiting = nil
		}
	}
}
