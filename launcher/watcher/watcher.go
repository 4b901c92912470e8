package watcher

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Quiet is the time without events before a change is sent: saving a file in an
// editor causes several events.
const Quiet = 100 * time.Millisecond

// Watcher watches a set of files.
type Watcher struct {
	notify  *queue
	sets    chan request
	marks   chan mark // sent by Sync
	changes chan struct{}
	closed  chan struct{}
	close   func() error
	running sync.WaitGroup
}

// request is a call of Watch.
type request struct {
	files []string
	err   chan<- error // has a buffer of one
}

// New returns a Watcher that watches nothing yet. The caller must close it.
func New() (*Watcher, error) { return newWatcher(Quiet) }

func newWatcher(quiet time.Duration) (*Watcher, error) {
	watcher, err := newQueue(ofProcess)
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		notify:  watcher,
		sets:    make(chan request),
		marks:   make(chan mark),
		changes: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	w.close = sync.OnceValue(func() error {
		close(w.closed)
		w.running.Wait() // first: Add must not be called on a closed queue
		return w.notify.Close()
	})
	touched, marks := make(chan struct{}), make(chan mark)
	w.running.Go(func() { w.run(touched, marks) })
	w.running.Go(func() { debounce(quiet, touched, marks, w.changes, w.closed) })
	return w, nil
}

// Changes delivers a value when one or more of the files were written, created or
// removed, and there was no event for them for [Quiet].
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Sync returns once all changes of the files before the call have been received
// from Changes. If there were none, that takes about a millisecond. The error
// is ctx's, fsnotify.ErrClosed, or [ErrUnseen]: then the caller must read the
// files.
func (w *Watcher) Sync(ctx context.Context) error { return await(ctx, w.marks, w.closed) }

// Watch watches the files with these absolute paths, and no others; a path with
// * ? or [ is a pattern for files that may appear. It reports every change
// after it has returned. The error names the directories that cannot be
// watched; the others are.
func (w *Watcher) Watch(files []string) error {
	err := make(chan error, 1)
	select {
	case w.sets <- request{slices.Clone(files), err}:
		return <-err
	case <-w.closed:
		return fsnotify.ErrClosed
	}
}

// Close stops watching. No change is sent afterwards.
func (w *Watcher) Close() error { return w.close() }

func (w *Watcher) run(touched chan<- struct{}, marks chan<- mark) {
	var files []string
	var watched watchSet
	cookies := newCookies(w.notify, w.closed)
	defer cookies.close()
	for {
		select {
		case s := <-w.sets:
			var err error
			files = s.files
			watched, err = w.follow(files)
			s.err <- err
		case m := <-w.marks:
			cookies.add(m)
		case batch := <-w.notify.Batches():
			if slices.ContainsFunc(batch, watched.affectedBy) {
				watched, _ = w.follow(files) // directories or links may have changed
				select {
				case touched <- struct{}{}:
				case <-w.closed:
					return
				}
			}
			for _, m := range cookies.take(batch) {
				select {
				case marks <- m:
				case <-w.closed:
					return
				}
			}
		case <-w.closed:
			return
		}
	}
}

// follow updates the watches for files.
func (w *Watcher) follow(files []string) (f watchSet, err error) {
	for range 100 { // while directories change faster than they can be watched
		f, err = newWatchSet(files), nil
		for _, old := range w.notify.WatchList() {
			if !slices.Contains(f.directories, old) {
				_ = w.notify.Remove(old) // the directory may be gone
			}
		}
		for _, directory := range f.directories {
			if failed := w.notify.Add(directory); failed != nil {
				err = errors.Join(err, &fs.PathError{Op: "watch", Path: directory, Err: failed})
			}
		}
		if !errors.Is(err, fs.ErrNotExist) && f.equal(newWatchSet(files)) {
			break // otherwise a change may have been missed
		}
	}
	return f, err
}
