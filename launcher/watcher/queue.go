package watcher

import (
	"slices"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// event is an event for an entry of a directory, or an error.
type event struct {
	Name string // the directory's name as it was added, and the entry's; in the root directory, it begins with two slashes
	Op   fsnotify.Op
	Err  error
}

// queue is fsnotify with an unbounded queue. It watches directories, but not
// the directories in them.
//
// [Watcher] and [TreeWatcher] have one each. fsnotify keeps one watch for a path:
// adding a path twice, or removing it while another user needs it, loses events or
// panics (v1.10.1). Sharing an instance would require counting the users of each
// path, to save one of the instances that inotify(7) allows a user, usually 128.
type queue struct {
	*fsnotify.Watcher
	pushed     chan event
	batches    chan []event
	files      *descriptors
	collecting sync.WaitGroup
}

// newQueue returns a queue that watches nothing yet, and counts the files that it
// opens. The caller must close it.
func newQueue(files *descriptors) (*queue, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	q := &queue{Watcher: w, pushed: make(chan event), batches: make(chan []event), files: files}
	q.collecting.Go(func() { collect(w.Events, w.Errors, q.pushed, q.batches) })
	return q, nil
}

// Batches delivers all events since the last batch. The queue receives events even
// while no goroutine receives batches: the kernel's queue is short, and on Windows,
// Add waits for the goroutine that sends them.
func (q *queue) Batches() <-chan []event { return q.batches }

// WatchList returns the watched directories, except for those of [cookies].
func (q *queue) WatchList() []string {
	return slices.DeleteFunc(q.Watcher.WatchList(), isCookie)
}

// Add watches a directory.
func (q *queue) Add(directory string) error {
	if err := q.files.take(watchedDirectory{q, directory}); err != nil {
		return err
	}
	err := q.Watcher.Add(directory)
	if err != nil {
		q.files.release(watchedDirectory{q, directory})
	}
	return err
}

// Remove stops watching a directory. fsnotify has done so if the directory is gone.
func (q *queue) Remove(directory string) error {
	q.files.release(watchedDirectory{q, directory})
	return q.Watcher.Remove(directory)
}

// Push adds an event to the queue, unless done is closed first. It must not be
// called after Close.
func (q *queue) Push(e event, done <-chan struct{}) {
	select {
	case q.pushed <- e:
	case <-done:
	}
}

// Close stops watching. Add must not be called at the same time.
func (q *queue) Close() error {
	finish := closeInBackground()
	defer finish()
	err := q.Watcher.Close()
	q.files.release(watchedDirectory{q, ""})
	q.collecting.Wait()
	return err
}

// collect sends all events since the last batch to out, and receives more at any
// time, until fsnotify is closed.
func collect(events <-chan fsnotify.Event, failures <-chan error, pushed <-chan event, out chan<- []event) {
	var waiting []event
	for {
		var ready chan<- []event // out while events wait, otherwise nil
		if len(waiting) > 0 {
			ready = out
		}
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			waiting = append(waiting, event{Name: e.Name, Op: e.Op})
		case err, ok := <-failures:
			if !ok {
				return
			}
			waiting = append(waiting, event{Err: err})
		case e := <-pushed:
			waiting = append(waiting, e)
		case ready <- waiting:
			waiting = nil
		}
	}
}
