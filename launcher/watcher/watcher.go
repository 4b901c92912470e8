// Package watcher tells when files have changed.
//
// It watches the folders that hold the files, because an editor may replace a
// file by another of its name, and a file may not be there yet; for a folder
// that is missing, the nearest one above it; and the folders that hold the
// symbolic links on the way.
//
// # Concurrency
//
//	fsnotify ─► collect ─► run ─► debounce ─► Changes
//
// Each arrow is a channel between two goroutines. run owns the set of files and
// is the only one that changes what fsnotify watches. collect takes events
// meanwhile: on Windows, fsnotify's Add waits for the goroutine that sends them.
package watcher

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Quiet is how long nothing must have happened before a change is told: an
// editor's save is several events.
const Quiet = 100 * time.Millisecond

// Watcher watches a set of files.
type Watcher struct {
	notify  *fsnotify.Watcher
	sets    chan set
	changes chan struct{}
	closed  chan struct{}
	close   func() error
	running sync.WaitGroup
}

// set is what Watch asks of run.
type set struct {
	files []string
	err   chan<- error // takes one
}

// New returns a Watcher that watches nothing yet. It must be closed.
func New() (*Watcher, error) { return newWatcher(Quiet) }

func newWatcher(quiet time.Duration) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		notify:  notify,
		sets:    make(chan set),
		changes: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	w.close = sync.OnceValue(func() error {
		close(w.closed)
		err := w.notify.Close()
		w.running.Wait()
		return err
	})
	events, touched := make(chan []fsnotify.Event), make(chan struct{})
	w.running.Go(func() { collect(notify.Events, notify.Errors, events, w.closed) })
	w.running.Go(func() { w.run(events, touched) })
	w.running.Go(func() { debounce(quiet, touched, w.changes, w.closed) })
	return w, nil
}

// Changes delivers a value when one or more of the files have changed, come or
// gone, and nothing has happened to them for [Quiet].
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Watch watches the files with these absolute paths, and no others. Whatever
// happens to them once it has returned will be told. The error says which of
// their folders cannot be watched; the others are.
func (w *Watcher) Watch(files []string) error {
	err := make(chan error, 1)
	select {
	case w.sets <- set{slices.Clone(files), err}:
		return <-err
	case <-w.closed:
		return fsnotify.ErrClosed
	}
}

// Close ends the watching; no change is told any more.
func (w *Watcher) Close() error { return w.close() }

// collect passes on all events that have come since it last did, and takes more
// at any time. Lost events, whatever they were, are passed on as one without a
// name.
func collect(events <-chan fsnotify.Event, failures <-chan error, out chan<- []fsnotify.Event, done <-chan struct{}) {
	var waiting []fsnotify.Event
	for {
		var ready chan<- []fsnotify.Event // out while there is something to pass on, else nil
		if len(waiting) > 0 {
			ready = out
		}
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			waiting = append(waiting, e)
		case _, ok := <-failures:
			if !ok {
				return
			}
			waiting = append(waiting, fsnotify.Event{})
		case ready <- waiting:
			waiting = nil
		case <-done:
			return
		}
	}
}

func (w *Watcher) run(events <-chan []fsnotify.Event, touched chan<- struct{}) {
	var files []string
	var watched footing
	for {
		select {
		case s := <-w.sets:
			var err error
			files = s.files
			watched, err = w.follow(files)
			s.err <- err
		case batch := <-events:
			if !slices.ContainsFunc(batch, watched.concerned) {
				continue
			}
			watched, _ = w.follow(files) // a folder or a link may have come or gone
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

// follow watches what files stand on, and nothing else.
func (w *Watcher) follow(files []string) (f footing, err error) {
	for range 100 { // while they come and go faster than they can be watched
		f, err = stand(files), nil
		for _, old := range w.notify.WatchList() {
			if !slices.Contains(f.folders, old) {
				_ = w.notify.Remove(old) // it may be gone already
			}
		}
		for _, folder := range f.folders {
			if failed := w.notify.Add(folder); failed != nil {
				err = errors.Join(err, &fs.PathError{Op: "watch", Path: folder, Err: failed})
			}
		}
		if !errors.Is(err, fs.ErrNotExist) && f.equal(stand(files)) {
			break // else there was a change that nobody has seen
		}
	}
	return f, err
}
