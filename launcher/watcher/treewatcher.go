package watcher

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// Latest is after how long a change is told though more and more happens.
	Latest = 2 * time.Second
)

// TreeWatcher watches the folders below a root.
type TreeWatcher struct {
	notify  *queue
	links   *linkWatch
	marks   chan mark // of Sync
	changes chan Change
	close   func() error
}

// NewTree watches what is below root for several sets of patterns at once, by the
// sets' names. Whatever happens to a file that counts once NewTree has returned will
// be told.
//
// The error says which pattern is wrong, or why root cannot be watched; it is a
// [LimitError] if there are too many watchers. Folders below root that cannot be
// watched are no error here but in the first [Change].
//
// The TreeWatcher must be closed.
func NewTree(root string, sets map[string][]string) (*TreeWatcher, error) {
	return newTreeWatcher(root, sets, options{Quiet, Latest, (*queue).Add})
}

// options are what tests choose.
type options struct {
	quiet, latest time.Duration
	add           func(w *queue, folder string) error
}

func newTreeWatcher(root string, patterns map[string][]string, o options) (*TreeWatcher, error) {
	sets, err := newSets(patterns)
	if err != nil {
		return nil, err
	}
	if root, err = realPath(root); err != nil {
		return nil, err
	}
	queue, err := newQueue()
	if limit := newLimitError(root, err); limit != nil {
		return nil, limit
	} else if err != nil {
		return nil, err
	}
	w := &TreeWatcher{notify: queue, marks: make(chan mark), changes: make(chan Change)}
	if err := w.start(newTree(root, sets, adding{queue, o.add}), o); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}

func (w *TreeWatcher) start(t *tree, o options) error {
	var running sync.WaitGroup
	links := &linkWatch{notify: w.notify, closed: t.closed, running: &running, marks: make(chan mark)}
	w.links = links
	w.close = sync.OnceValue(func() error {
		close(t.closed)
		running.Wait() // first: nothing may be added to what is closed
		links.close()
		return w.notify.Close()
	})
	var first burst
	if !t.resync(&first) {
		if len(first.errs) == 0 { // it is no folder, or gone just now
			return &fs.PathError{Op: "watch", Path: t.path, Err: syscall.ENOTDIR}
		}
		return errors.Join(first.errs...)
	}
	links.follow(t, &first)
	first = burst{count: len(first.errs), errs: first.errs} // that files are there is no change
	handle := func(batch []event, b *burst) {
		t.handle(batch, b)
		links.follow(t, b)
	}
	cookies := newCookies(w.notify, t.closed)
	running.Go(func() {
		defer cookies.close()
		run(w.notify.Batches(), handle, first, o, w.marks, cookies, w.changes, t.closed)
	})
	return nil
}

// adding has another way to add a folder.
type adding struct {
	*queue
	add func(w *queue, folder string) error
}

func (a adding) Add(folder string) error { return a.add(a.queue, folder) }

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
func (w *TreeWatcher) Changes() <-chan Change { return w.changes }

// Sync returns once whatever happened before has been taken from Changes. If
// nothing has, that takes about a millisecond. The error is ctx's, or
// fsnotify.ErrClosed.
func (w *TreeWatcher) Sync(ctx context.Context) error {
	if err := w.links.sync(ctx); err != nil {
		return err
	}
	return await(ctx, w.marks, w.links.closed)
}

// Close ends the watching; no change is told any more.
func (w *TreeWatcher) Close() error { return w.close() }
