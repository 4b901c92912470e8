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
	// cookiePrefix is the prefix of the directories of cookies. A tree never reads
	// one.
	cookiePrefix = "devports-sync-"

	// cookieTimeout limits the time until the event of a cookie.
	cookieTimeout = time.Second
)

// cookies puts marks into a queue's stream of events. A cookie is a file in a
// watched directory of its own. inotify(7) has one queue for all directories,
// so all events from before the creation of the cookie arrive before the
// cookie's event. If the cookie cannot be created, or its event does not arrive
// in time, the mark's error is ErrUnseen.
//
// Only the goroutine that receives the queue's batches uses it. A nil *cookies has
// no marks.
type cookies struct {
	queue  *queue
	closed <-chan struct{}
	sent   map[string]cookie // by path
	count  int
}

// cookie is a mark that has not arrived.
type cookie struct {
	mark    mark
	timeout *time.Timer // nil if there is no file
}

// mark is a call of Sync.
type mark struct {
	done chan<- error // has a buffer of one
	err  error        // the answer
}

// answerAll answers calls of Sync. It returns nil.
func answerAll(marks []mark) []mark {
	for _, m := range marks {
		m.done <- m.err
	}
	return nil
}

// ErrUnseen reports that there may be changes for which no event has arrived.
var ErrUnseen = errors.New("there may be changes that the system has not reported")

func newCookies(q *queue, closed <-chan struct{}) *cookies {
	return &cookies{queue: q, closed: closed, sent: make(map[string]cookie)}
}

// add puts a mark into the queue.
func (c *cookies) add(m mark) {
	path, err := c.create()
	if err != nil {
		c.count++
		path = fmt.Sprint(cookiePrefix, c.count) // relative, unlike the path of a file
	}
	arrive := func() { c.queue.Push(event{Name: path, Err: ErrUnseen}, c.closed) }
	made := cookie{mark: m}
	if err != nil {
		arrive()
	} else {
		made.timeout = time.AfterFunc(cookieTimeout, arrive)
	}
	c.sent[path] = made
}

// create creates a cookie and returns its path.
func (c *cookies) create() (path string, err error) {
	directory, err := os.MkdirTemp("", cookiePrefix)
	if err != nil {
		return "", err
	}
	path = filepath.Join(directory, "cookie")
	if err = c.queue.Add(directory); err == nil {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil {
		c.remove(path)
	}
	return path, err
}

// remove removes a cookie.
func (c *cookies) remove(path string) {
	directory := filepath.Dir(path)
	_ = c.queue.Remove(directory)
	_ = os.Remove(path) // cheaper than os.RemoveAll
	_ = os.Remove(directory)
}

// take returns the marks that arrive with a batch, in order.
func (c *cookies) take(batch []event) (arrived []mark) {
	if c == nil || len(c.sent) == 0 {
		return nil
	}
	for _, e := range batch {
		path := filepath.Clean(e.Name)
		made, ok := c.sent[path]
		if !ok {
			continue
		}
		delete(c.sent, path)
		if made.timeout != nil {
			made.timeout.Stop()
			c.remove(path)
		}
		made.mark.err = e.Err
		arrived = append(arrived, made.mark)
	}
	return arrived
}

// close removes the cookies that have not arrived.
func (c *cookies) close() {
	for path, made := range c.sent {
		if made.timeout != nil {
			made.timeout.Stop()
			c.remove(path)
		}
	}
}

// isCookie reports whether a directory contains a cookie.
func isCookie(directory string) bool {
	return strings.HasPrefix(filepath.Base(directory), cookiePrefix)
}

// await sends a mark, which the receiver puts into its queue, and waits until the
// mark is answered.
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
