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

// MaxDelay is the time after which a change is sent although events still arrive.
const MaxDelay = 2 * time.Second

// TreeWatcher watches the directories below a root.
type TreeWatcher struct {
	notify  *queue
	links   *linkWatch
	marks   chan mark // sent by Sync
	changes chan Change
	close   func() error
}

// NewTree watches the files below root for several sets of patterns, by the
// names of the sets. It reports every change after it has returned.
//
// The error names an invalid pattern or the reason why root cannot be watched;
// it is a [LimitError] if there are too many watchers. Directories below root
// that cannot be watched are reported in the first [Change] instead.
//
// The caller must close the TreeWatcher.
func NewTree(root string, sets map[string][]string) (*TreeWatcher, error) {
	return newTreeWatcher(root, sets, options{Quiet, MaxDelay, (*queue).Add, ofProcess})
}

// options can be set by tests.
type options struct {
	quiet, latest time.Duration
	add           func(w *queue, directory string) error
	files         *descriptors
}

func newTreeWatcher(root string, patterns map[string][]string, o options) (*TreeWatcher, error) {
	sets, err := newSets(patterns)
	if err != nil {
		return nil, err
	}
	if root, err = realPath(root); err != nil {
		return nil, err
	}
	queue, err := newQueue(o.files)
	if limit := newLimitError(root, err); limit != nil {
		return nil, limit
	} else if err != nil {
		return nil, err
	}
	w := &TreeWatcher{notify: queue, marks: make(chan mark), changes: make(chan Change)}
	if err := w.start(newTree(root, sets, testQueue{queue, o.add}), o); err != nil {
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
		running.Wait() // first: Add must not be called on a closed queue
		links.close()
		return w.notify.Close()
	})
	var first burst
	if !t.resync(&first) {
		if len(first.errs) == 0 { // not a directory, or gone
			return &fs.PathError{Op: "watch", Path: t.path, Err: syscall.ENOTDIR}
		}
		return errors.Join(first.errs...)
	}
	links.follow(t, &first)
	first = burst{count: len(first.errs), errs: first.errs} // existing files are not a change
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

// testQueue is a queue with another Add.
type testQueue struct {
	*queue
	add func(w *queue, directory string) error
}

func (q testQueue) Add(directory string) error { return q.add(q.queue, directory) }

// realPath returns an absolute path without links: git, too, searches the parents
// of the real directory.
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

// Changes delivers one value for everything that happens until there was no
// relevant event for [Quiet], or for [MaxDelay]. What happens before a value is
// received is added to it.
func (w *TreeWatcher) Changes() <-chan Change { return w.changes }

// Sync returns once everything that happened before the call has been received from
// Changes. If nothing has happened, that takes about a millisecond. The error is
// ctx's or fsnotify.ErrClosed.
func (w *TreeWatcher) Sync(ctx context.Context) error {
	if err := w.links.sync(ctx); err != nil {
		return err
	}
	return await(ctx, w.marks, w.links.closed)
}

// Close stops watching. No change is sent afterwards.
func (w *TreeWatcher) Close() error { return w.close() }
