// Package lockfile holds a file as a lock between processes.
//
// The lock is the kernel's (flock, or LockFileEx on Windows), so it ends with its holder, however that dies. Goroutines of one
// process exclude each other as well. The holder leaves a note in the file, with its pid, command line and the time, so that
// whoever waits in vain can be told whom it waited for. The note is a courtesy: it never decides who holds the lock, and one
// that cannot be written stops nobody.
//
// A lock file is removed by Remove alone, which holds the lock. Whoever takes a lock makes sure that the file still has its name:
// else one process could hold the lock of a file that has just lost it while another creates and locks a new one.
package lockfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// noteWait bounds how long TryAcquire looks for the note of a holder that has the lock but has not yet written who it is.
const noteWait = 200 * time.Millisecond

// Acquire takes the lock at path and returns the function that releases it, which may be called more than once. The file is
// created where it is missing, and so is its folder (mode 0700). The lock is held until it is released or the process ends.
//
// While another holds the lock, Acquire waits, at most for wait; those who wait get the lock about in the order they came, and
// at once when it is released. When wait is over the error is a *HeldError. When ctx ends first, Acquire returns at once, with
// an error that wraps ctx's. A lock that arrives after Acquire gave up is released at once. Trouble with the file itself is a
// *fs.PathError.
func Acquire(ctx context.Context, path string, wait time.Duration) (release func() error, err error) {
	for end := time.Now().Add(wait); ; {
		l, err := open(path)
		if err != nil {
			return nil, err
		}
		err = l.await(ctx, time.Until(end))
		switch {
		case err == nil && l.current():
			return l.hold(nil), nil
		case err == nil, errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
			l.drop()
		default:
			l.note.Close()
			return nil, err
		}
	}
}

// TryAcquire takes the lock at path as Acquire does, but does not wait: if another holds it, the error is a *HeldError. It is
// for a lock that is held for as long as a process lives. The note, any value that encoding/json takes, goes to whoever finds
// the lock held; nil for none. left is the note of the holder before, if that died without releasing the lock.
func TryAcquire(path string, note any) (release func() error, left json.RawMessage, err error) {
	var encoded json.RawMessage
	if note != nil {
		if encoded, err = json.Marshal(note); err != nil {
			return nil, nil, err
		}
	}
	for {
		l, left, err := tryOpen(path)
		switch {
		case err == nil && l.current():
			return l.hold(encoded), left, nil
		case err == nil, errors.Is(err, errRemoved):
			l.drop()
		default:
			return nil, nil, err
		}
	}
}

// errRemoved says that the lock file has lost its name since it was opened.
var errRemoved = errors.New("the lock file was removed")

// tryOpen opens the lock file and takes the lock. left is the note that it has.
func tryOpen(path string) (_ lock, left json.RawMessage, err error) {
	l, err := open(path)
	if err != nil {
		return lock{}, nil, err
	}
	// A holder that has only just taken the lock may not have said yet who it is, and the note be that of one that is dead. And if
	// one was killed while it started a process, that has the lock for a moment, until it has become another program.
	for end := time.Now().Add(noteWait); ; time.Sleep(noteWait / 40) {
		taken, err := l.try()
		if taken {
			return l, l.held().Note, nil
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = errRemoved
		}
		if err != nil {
			l.note.Close()
			return lock{}, nil, err
		}
		late := time.Now().After(end)
		if !late && l.onlyLookedAt() {
			continue // what the note says is out of date
		}
		if held := l.held(); held.PID != 0 && !gone(held.PID) || late {
			l.note.Close()
			return lock{}, nil, held
		}
	}
}

// Holder tells who holds the lock at path now; nil if nobody does. It creates nothing, and nobody holds what cannot be looked at.
func Holder(path string) *HeldError {
	held, _ := Inspect(path)
	return held
}

// Inspect is Holder for those who want to know, too, what is left where nobody holds the lock: the note of the last holder if that
// died without releasing it, as TryAcquire tells it. It stays there for the next holder.
func Inspect(path string) (held *HeldError, left json.RawMessage) {
	l, err := openExisting(path)
	if err != nil {
		return nil, nil
	}
	defer l.note.Close()
	shared, err := l.kernel.TryRLock()
	if err != nil {
		return nil, nil
	}
	said := l.held()
	if !shared {
		return said, nil
	}
	_ = l.kernel.Unlock()
	return nil, said.Note
}

// lock is one attempt at a lock file: the kernel's lock on it, and a second handle for the note, since flock keeps its own to itself.
type lock struct {
	path   string
	kernel *flock.Flock
	note   *os.File
}

// open opens the lock file, after creating what is missing of it. A lock file in a group-writable folder is for the whole group.
func open(path string) (lock, error) {
	l, err := openExisting(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return lock{}, err
	}
	note, err := create(path)
	return newLock(path, note, err)
}

func openExisting(path string) (lock, error) {
	note, err := os.OpenFile(path, os.O_RDWR, 0)
	return newLock(path, note, err)
}

func newLock(path string, note *os.File, err error) (lock, error) {
	if err != nil {
		return lock{}, err
	}
	share(note)
	// O_CREATE stays out: with fs.protected_regular, Linux refuses it for another user's file in a sticky folder.
	return lock{path, flock.New(path, flock.SetFlag(os.O_RDWR)), note}, nil
}

// create makes the lock file, or opens the one that another has just made.
func create(path string) (*os.File, error) {
	if isGroups(filepath.Dir(path)) && linkShared(path) == nil {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// linkShared makes the lock file, unless there is one, so that it is the group's
// from the first moment on: another user of the group may want it in the next.
// Not every file system has links.
func linkShared(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	share(f)
	err = f.Close()
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	os.Remove(f.Name())
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// share gives the lock file to the group if its folder belongs to the group. Only the file's owner can, and nobody else needs to.
func share(f *os.File) {
	if !isGroups(filepath.Dir(f.Name())) {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o060 != 0o060 {
		_ = f.Chmod(0o660)
	}
}

// isGroups reports whether a folder is writable to its group. On Windows, where
// rights come from the folder, every mode looks like that.
func isGroups(folder string) bool {
	info, err := os.Stat(folder)
	return runtime.GOOS != "windows" && err == nil && info.Mode().Perm()&0o020 != 0
}

// await takes the kernel's lock. It blocks in the kernel rather than poll, so that waiting costs nothing and the kernel keeps the
// queue; the price is a goroutine that stays behind, after await has given up, until the lock is free.
func (l lock) await(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for the lock %s: %w", l.path, err)
	}
	if taken, err := l.try(); taken || err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	result := make(chan error) // unbuffered: what is sent has been received, so a lock always has exactly one owner
	go func() {
		err := l.block()
		select {
		case result <- err:
		case <-bounded.Done():
			if err == nil {
				_ = l.kernel.Unlock()
			}
		}
	}()
	select {
	case err := <-result:
		return err
	case <-bounded.Done():
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for the lock %s: %w", l.path, err)
		}
		return l.held()
	}
}

// try takes the kernel's lock if it is free.
func (l lock) try() (taken bool, err error) {
	taken, err = l.kernel.TryLock()
	return taken, l.explain(err)
}

// onlyLookedAt reports whether the lock, which could not be taken, is shared by those who look at it: nobody holds it. A look is over
// in no time.
func (l lock) onlyLookedAt() bool {
	shared, err := l.kernel.TryRLock()
	if shared {
		_ = l.kernel.Unlock()
	}
	return shared && err == nil
}

// block takes the kernel's lock, however long that lasts.
func (l lock) block() error {
	for {
		if err := l.kernel.Lock(); !errors.Is(err, syscall.EINTR) {
			return l.explain(err)
		}
	}
}

// explain adds the path to an error that lacks it.
func (l lock) explain(err error) error {
	var errno syscall.Errno
	if path := (*fs.PathError)(nil); errors.As(err, &errno) && !errors.As(err, &path) {
		return &fs.PathError{Op: "lock", Path: l.path, Err: errno}
	}
	return err
}

// locks has every lock that this process holds. Where a holder keeps its lock to the end, and so drops the function that releases
// it, the garbage collector would otherwise close the files, and with them release the lock.
var locks sync.Map

// hold says who has the lock, which the caller has just taken, and returns the function that releases it.
func (l lock) hold(note json.RawMessage) (release func() error) {
	l.write(note)
	locks.Store(l.kernel, l)
	return sync.OnceValue(l.release)
}

func (l lock) release() error {
	locks.Delete(l.kernel)
	l.clear()
	return errors.Join(l.kernel.Unlock(), l.note.Close())
}
