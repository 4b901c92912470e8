package watcher

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// linkQuiet is how long the targets of links must be quiet. It is much less than
// [Quiet]: where a link and its target both count, a change of both is one.
const linkQuiet = 10 * time.Millisecond

// linkWatch watches what the links of a tree lead to, by a Watcher that is made
// for the first of them. Only the goroutine that handles the tree's events uses
// it, and after that [linkWatch.close].
type linkWatch struct {
	notify  *queue
	closed  <-chan struct{}
	running *sync.WaitGroup
	watcher *Watcher // nil: no link has been seen
}

// follow watches the links of the tree, if they are others than before.
func (l *linkWatch) follow(t *tree, b *burst) {
	if !t.relink || l.watcher == nil && len(t.links) == 0 {
		return
	}
	t.relink = false
	if l.watcher == nil {
		w, err := newWatcher(linkQuiet)
		if err != nil {
			t.trouble(t.path, err, b)
			return
		}
		l.watcher = w
		l.running.Go(l.forward)
	}
	var paths []string
	for _, path := range slices.Sorted(maps.Keys(t.links)) {
		paths = append(paths, t.at(path))
	}
	if err := l.watcher.Watch(paths); err != nil && !errors.Is(err, fsnotify.ErrClosed) {
		t.trouble(t.path, err, b)
	}
	l.notify.Push(targetsChanged, l.closed) // there may have been a change before
}

func (l *linkWatch) forward() {
	for {
		select {
		case <-l.watcher.Changes():
			l.notify.Push(targetsChanged, l.closed)
		case <-l.closed:
			return
		}
	}
}

func (l *linkWatch) close() {
	if l.watcher != nil {
		_ = l.watcher.Close()
	}
}
