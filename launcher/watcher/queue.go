package watcher

import (
	"slices"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// event is what has happened to an entry of a folder, or an error.
type event struct {
	Name string // the folder's name as it was added, and the entry's; in the system's root, it begins with two slashes
	Op   fsnotify.Op
	Err  error
}

// queue is fsnotify with a queue that is never full. It watches folders, not what
// is below them.
//
// [Watcher] and [TreeWatcher] each have one. fsnotify keeps one watch for a path,
// and to add one a second time, or to remove it while another needs it, loses
// events or panics (v1.10.1): to share an instance would mean to keep that book
// twice, for one of the instances that inotify(7) allows a user, 128 as a rule.
type queue struct {
	*fsnotify.Watcher
	pushed     chan event
	batches    chan []event
	collecting sync.WaitGroup
}

// newQueue returns one that watches nothing yet. It must be closed.
func newQueue() (*queue, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	q := &queue{Watcher: w, pushed: make(chan event), batches: make(chan []event)}
	q.collecting.Go(func() { collect(w.Events, w.Errors, q.pushed, q.batches) })
	return q, nil
}

// Batches delivers all events that have come since the last batch. Nobody has to
// take them for more to come: the kernel's queue is short, and on Windows, Add
// waits for the goroutine that sends them.
func (q *queue) Batches() <-chan []event { return q.batches }

// WatchList returns the folders that are watched, but for those of [cookies].
func (q *queue) WatchList() []string {
	return slices.DeleteFunc(q.Watcher.WatchList(), isCookie)
}

// Push has an event delivered that is not fsnotify's, unless done is closed
// first. It must not be called when the queue is closed.
func (q *queue) Push(e event, done <-chan struct{}) {
	select {
	case q.pushed <- e:
	case <-done:
	}
}

// Close ends the watching. Nothing may be added meanwhile.
func (q *queue) Close() error {
	err := q.Watcher.Close()
	q.collecting.Wait()
	return err
}

// collect passes on all events that have come since it last did, and takes more
// at any time, until fsnotify is closed.
func collect(events <-chan fsnotify.Event, failures <-chan error, pushed <-chan event, out chan<- []event) {
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
