package watcher

import (
	"context"
	"errors"
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
// made. Where there is no such file, or its event does not come in time, the mark
// says so.
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
	mark    mark
	timeout *time.Timer // nil: there is no such file
}

// mark is a call of Sync.
type mark struct {
	done chan<- error // has room for one
	err  error        // the answer
}

// answerAll answers calls of Sync, and returns none.
func answerAll(marks []mark) []mark {
	for _, m := range marks {
		m.done <- m.err
	}
	return nil
}

// ErrUnseen says that it is not known whether all changes have been seen.
var ErrUnseen = errors.New("there may be changes that the system has not reported")

func newCookies(q *queue, closed <-chan struct{}) *cookies {
	return &cookies{queue: q, closed: closed, made: make(map[string]cookie)}
}

// add puts a mark into the queue.
func (c *cookies) add(m mark) {
	path, err := c.make()
	if err != nil {
		c.count++
		path = fmt.Sprint(cookiePrefix, c.count) // relative, unlike that of any file
	}
	arrive := func() { c.queue.Push(event{Name: path, Err: ErrUnseen}, c.closed) }
	made := cookie{mark: m}
	if err != nil {
		arrive()
	} else {
		made.timeout = time.AfterFunc(cookieTimeout, arrive)
	}
	c.made[path] = made
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
func (c *cookies) take(batch []event) (arrived []mark) {
	if c == nil || len(c.made) == 0 {
		return nil
	}
	for _, e := range batch {
		path := filepath.Clean(e.Name)
		made, ok := c.made[path]
		if !ok {
			continue
		}
		delete(c.made, path)
		if made.timeout != nil {
			made.timeout.Stop()
			c.remove(path)
		}
		made.mark.err = e.Err
		arrived = append(arrived, made.mark)
	}
	return arrived
}

// close removes the cookies whose events have not come.
func (c *cookies) close() {
	for path, made := range c.made {
		if made.timeout != nil {
			made.timeout.Stop()
			c.remove(path)
		}
	}
}

// isCookie reports whether a folder holds a cookie.
func isCookie(folder string) bool { return strings.HasPrefix(filepath.Base(folder), cookiePrefix) }

// await has a mark put into a queue by the receiver of marks, and waits
// until it is answered.
func await(ctx context.Context, marks chan<- mark, closed <-chan struct{}) error {
	done := make(chan error, 1)
	select {
	case marks <- mark{done: done}:
	case <-closed:
		return fsnotify.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-closed:
		return fsnotify.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
