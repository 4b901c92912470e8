package watcher

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// linkQuiet is how long the targets of links must be quiet. It is much shorter than
// [Quiet]: if a link and its target are both in a set, they change together.
const linkQuiet = 10 * time.Millisecond

// linkWatch watches the targets of the links of a tree with a Watcher that it
// creates for the first link. Only the goroutine that handles the tree's events
// uses it, and then [linkWatch.close]; any goroutine may call sync.
type linkWatch struct {
	notify  *queue
	closed  <-chan struct{}
	running *sync.WaitGroup
	watcher atomic.Pointer[Watcher] // nil until there is a link
	marks   chan mark
}

// sync returns once all changes of targets so far are in the tree's queue.
func (l *linkWatch) sync(ctx context.Context) error {
	w := l.watcher.Load()
	if w == nil {
		return nil
	}
	err := w.Sync(ctx)
	if errors.Is(err, ErrUnseen) {
		l.notify.Push(targetsChanged, l.closed) // they may have
	} else if err != nil {
		return err
	}
	return await(ctx, l.marks, l.closed)
}

// follow watches the links of the tree if they have changed.
func (l *linkWatch) follow(t *tree, b *burst) {
	if !t.relink || l.watcher.Load() == nil && len(t.links) == 0 {
		return
	}
	t.relink = false
	if l.watcher.Load() == nil {
		w, err := newWatcher(linkQuiet)
		if err != nil {
			t.fail(t.path, err, b)
			return
		}
		l.watcher.Store(w)
		l.running.Go(func() { l.forward(w) })
	}
	var paths []string
	for _, path := range slices.Sorted(maps.Keys(t.links)) {
		paths = append(paths, t.at(path))
	}
	if err := l.watcher.Load().Watch(paths); err != nil && !errors.Is(err, fsnotify.ErrClosed) {
		t.fail(t.path, err, b)
	}
	l.notify.Push(targetsChanged, l.closed) // they may have changed before they were watched
}

func (l *linkWatch) forward(w *Watcher) {
	for {
		select {
		case <-w.Changes():
			l.notify.Push(targetsChanged, l.closed)
		case m := <-l.marks:
			m.done <- nil
		case <-l.closed:
			return
		}
	}
}

func (l *linkWatch) close() {
	if w := l.watcher.Load(); w != nil {
		_ = w.Close()
	}
}
