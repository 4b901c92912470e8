package watcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// cookiePrefix begins the names of the folders that hold cookies. No tree
	// looks into one.
	cookiePrefix = "devports-sync-"

	// cookieTimeout is how long the event of a cookie may take.
	cookieTimeout = time.Second
)

// cookies are marks in a queue's stream of events. A cookie is a file in a watched
// folder of its own. inotify(7) keeps one queue for all folders, so once the
// cookie's event comes out, so have the events of all that happened before it was
// made. Where there is no such file, or its event does not come in time, events
// count as lost: whatever has happened is then found by looking.
//
// Only the goroutine that takes the queue's batches uses it. A nil one has no
// marks.
type cookies struct {
	queue  *queue
	closed <-chan struct{}
	made   map[string]cookie // by path
	count  int
}

// cookie is a mark on its way.
type cookie struct {
	done    chan struct{} // of a call of Sync
	timeout *time.Timer
}

func newCookies(q *queue, closed <-chan struct{}) *cookies {
	return &cookies{queue: q, closed: closed, made: make(map[string]cookie)}
}

// add puts a mark into the queue.
func (c *cookies) add(done chan struct{}) {
	path, err := c.make()
	if err != nil {
		c.count++
		path = fmt.Sprint(cookiePrefix, c.count) // relative, unlike that of any file
	}
	arrive := func() {
		c.queue.Push(event{Err: fsnotify.ErrEventOverflow}, c.closed)
		c.queue.Push(event{Name: path, Op: fsnotify.Create}, c.closed)
	}
	mark := cookie{done: done}
	if err != nil {
		arrive()
	} else {
		mark.timeout = time.AfterFunc(cookieTimeout, arrive)
	}
	c.made[path] = mark
}

// make makes a cookie, and returns its path.
func (c *cookies) make() (path string, err error) {
	folder, err := os.MkdirTemp("", cookiePrefix)
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, "cookie")
	if err = c.queue.Add(folder); err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil {
		c.remove(path)
	}
	return path, err
}

// remove removes a cookie that was made.
func (c *cookies) remove(path string) {
	folder := filepath.Dir(path)
	_ = c.queue.Remove(folder)
	_ = os.RemoveAll(folder)
}

// take returns the marks in a batch, in order.
func (c *cookies) take(batch []event) (arrived []chan struct{}) {
	if c == nil || len(c.made) == 0 {
		return nil
	}
	for _, e := range batch {
		mark, ok := c.made[filepath.Clean(e.Name)]
		if !ok {
			continue
		}
		delete(c.made, filepath.Clean(e.Name))
		if mark.timeout != nil {
			mark.timeout.Stop()
			c.remove(filepath.Clean(e.Name))
		}
		arrived = append(arrived, mark.done)
	}
	return arrived
}

// close removes the cookies whose events have not come.
func (c *cookies) close() {
	for path, mark := range c.made {
		if mark.timeout != nil {
			mark.timeout.Stop()
			c.remove(path)
		}
	}
}

// isCookie reports whether a folder holds a cookie.
func isCookie(folder string) bool { return strings.HasPrefix(filepath.Base(folder), cookiePrefix) }

// await has a mark put into a queue by whoever receives from marks, and waits
// until it is answered.
func await(ctx context.Context, marks chan<- chan struct{}, closed <-chan struct{}) error {
	done := make(chan struct{})
	select {
	case marks <- done:
	case <-closed:
		return fsnotify.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-closed:
		return fsnotify.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
