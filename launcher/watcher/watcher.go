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

// Quiet is how long nothing must have happened before a change is told: an
// editor's save is several events.
const Quiet = 100 * time.Millisecond

// Watcher watches a set of files.
type Watcher struct {
	notify  *queue
	sets    chan request
	marks   chan mark // of Sync
	changes chan struct{}
	closed  chan struct{}
	close   func() error
	running sync.WaitGroup
}

// request is what Watch asks of run.
type request struct {
	files []string
	err   chan<- error // takes one
}

// New returns a Watcher that watches nothing yet. It must be closed.
func New() (*Watcher, error) { return newWatcher(Quiet) }

func newWatcher(quiet time.Duration) (*Watcher, error) {
	watcher, err := newQueue()
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
		w.running.Wait() // first: nothing may be added to what is closed
		return w.notify.Close()
	})
	touched, marks := make(chan struct{}), make(chan mark)
	w.running.Go(func() { w.run(touched, marks) })
	w.running.Go(func() { debounce(quiet, touched, marks, w.changes, w.closed) })
	return w, nil
}

// Changes delivers a value when one or more of the files have changed, come or
// gone, and nothing has happened to them for [Quiet].
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Sync returns once what happened to the files before has been taken from
// Changes. If nothing has, that takes about a millisecond. The error is ctx's,
// fsnotify.ErrClosed, or [ErrUnseen]: then the caller has to look at the files.
func (w *Watcher) Sync(ctx context.Context) error { return await(ctx, w.marks, w.closed) }

// Watch watches the files with these absolute paths, and no others. Whatever
// happens to them once it has returned will be told. The error says which of
// their folders cannot be watched; the others are.
func (w *Watcher) Watch(files []string) error {
	err := make(chan error, 1)
	select {
	case w.sets <- request{slices.Clone(files), err}:
		return <-err
	case <-w.closed:
		return fsnotify.ErrClosed
	}
}

// Close ends the watching; no change is told any more.
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
			if slices.ContainsFunc(batch, watched.concerned) {
				watched, _ = w.follow(files) // a folder or a link may have come or gone
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

// follow watches what has to be watched for files, and nothing else.
func (w *Watcher) follow(files []string) (f watchSet, err error) {
	for range 100 { // while they come and go faster than they can be watched
		f, err = newWatchSet(files), nil
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
		if !errors.Is(err, fs.ErrNotExist) && f.equal(newWatchSet(files)) {
			break // else there was a change that nobody has seen
		}
	}
	return f, err
}
