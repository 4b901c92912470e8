// Package lockfile provides file locks between processes.
//
// The kernel holds the lock (flock, or LockFileEx on Windows), so it ends with
// its holder, however that dies. Goroutines of one process exclude each other,
// too. The holder writes a note to the file, with its pid, its command line and
// the time, for the error of a waiting process. The note is only informative:
// it does not decide who holds the lock, and a failure to write it is ignored.
//
// Only Remove removes a lock file, and it holds the lock meanwhile. A process
// that takes a lock verifies that the file still has its name: otherwise one
// process could hold the lock of a removed file while another creates and locks
// a new one.
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

// TryAcquire reads the note of a holder that has just taken the lock up to
// noteTries times, for about noteWait. It counts the attempts instead of
// measuring the time, because this process may have been suspended meanwhile.
const (
	noteWait  = 200 * time.Millisecond
	noteTries = 40
)

// inspectWait is how long TryAcquire waits for callers of Inspect, who share the
// lock for a moment unless the machine is busy.
const inspectWait = 10 * time.Second

// Acquire takes the lock at path and returns the function that releases it,
// which may be called more than once. It creates the file and its directory
// (mode 0700) if necessary. The lock is held until it is released or the
// process ends.
//
// While the lock is held, Acquire waits, at most for wait; waiters get the lock
// approximately in order, as soon as it is released. After wait the error is a
// *HeldError. If ctx ends first, Acquire returns immediately, with an error
// that wraps ctx's. A lock that it gets after giving up is released
// immediately. Errors of the file are *fs.PathError.
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
		case err == nil, errors.Is(err, fs.ErrNotExist): // the file was removed meanwhile
			l.drop()
		default:
			l.note.Close()
			return nil, err
		}
	}
}

// TryAcquire is Acquire without waiting: if the lock is held, the error is a
// *HeldError. It is for a lock that is held as long as a process lives. note,
// any value for encoding/json or nil, is part of the HeldError of others. stale
// is the note of the previous holder, if that died without releasing the lock.
func TryAcquire(path string, note any) (release func() error, stale json.RawMessage, err error) {
	var encoded json.RawMessage
	if note != nil {
		if encoded, err = json.Marshal(note); err != nil {
			return nil, nil, err
		}
	}
	for {
		l, stale, err := tryOpen(path)
		switch {
		case err == nil && l.current():
			return l.hold(encoded), stale, nil
		case err == nil, errors.Is(err, errRemoved):
			l.drop()
		default:
			return nil, nil, err
		}
	}
}

// errRemoved reports that the lock file was removed after it was opened.
var errRemoved = errors.New("the lock file was removed")

// tryOpen opens the lock file and takes the lock. stale is the note in the
// file.
func tryOpen(path string) (_ lock, stale json.RawMessage, err error) {
	l, err := open(path)
	if err != nil {
		return lock{}, nil, err
	}
	// A holder that has just taken the lock may not have written its note yet,
	// so that the file still has the note of a dead process. And if a holder
	// was killed while it started a process, that child has the lock until its
	// execve(2).
	for began, tries := time.Now(), 1; ; time.Sleep(noteWait / noteTries) {
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
		if l.onlyInspected() && time.Since(began) < inspectWait {
			continue // the note is stale
		}
		if held := l.held(); held.PID != 0 && !gone(held.PID) || tries > noteTries {
			l.note.Close()
			return lock{}, nil, held
		}
		tries++
	}
}

// Holder returns the holder of the lock at path, or nil if the lock is free. It
// creates no file. A lock file that cannot be opened counts as free.
func Holder(path string) *HeldError {
	held, _ := Inspect(path)
	return held
}

// Inspect is Holder, but also returns, for a free lock, the note of the last
// holder if that died without releasing it, like TryAcquire. The note stays in
// the file.
func Inspect(path string) (held *HeldError, stale json.RawMessage) {
	l, err := openExisting(path)
	if err != nil {
		return nil, nil
	}
	defer l.note.Close()
	shared, err := l.kernel.TryRLock()
	if err != nil {
		return nil, nil
	}
	noted := l.held()
	if !shared {
		return noted, nil
	}
	_ = l.kernel.Unlock()
	return nil, noted.Note
}

// lock is an open lock file: the kernel's lock, and a second handle for the
// note, since package flock does not expose its own.
type lock struct {
	path   string
	kernel *flock.Flock
	note   *os.File
}

// open opens the lock file, and creates it and its directory if necessary. A
// lock file in a group-writable directory is shared with the group.
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
	// Without O_CREATE: with fs.protected_regular, Linux refuses it for another
	// user's file in a sticky directory.
	return lock{path, flock.New(path, flock.SetFlag(os.O_RDWR)), note}, nil
}

// create creates the lock file, or opens the one that another process has just
// created.
func create(path string) (*os.File, error) {
	if isGroupWritable(filepath.Dir(path)) && linkShared(path) == nil {
		return os.OpenFile(path, os.O_RDWR, 0)
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// linkShared creates the lock file, unless it exists, with its final mode:
// another user of the group may open it immediately. It fails on file systems
// without links.
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

// share makes the lock file group-writable if its directory is. Only the owner
// of the file can, and the owner does it when creating the file.
func share(f *os.File) {
	if !isGroupWritable(filepath.Dir(f.Name())) {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o060 != 0o060 {
		_ = f.Chmod(0o660)
	}
}

// isGroupWritable reports whether a directory is group-writable. It is false on
// Windows, where files inherit their access from the directory and every mode
// looks like that.
func isGroupWritable(dir string) bool {
	info, err := os.Stat(dir)
	return runtime.GOOS != "windows" && err == nil && info.Mode().Perm()&0o020 != 0
}

// await takes the kernel's lock. It blocks in the kernel and does not poll, so
// waiting costs nothing and the kernel keeps the queue. The price is a
// goroutine that keeps waiting after await has given up, until the lock is
// free.
func (l lock) await(ctx context.Context, wait time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for the lock %s: %w", l.path, err)
	}
	if taken, err := l.try(); taken || err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	result := make(chan error) // unbuffered: a sent result has been received, so a lock always has exactly one owner
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
	return taken, l.withPath(err)
}

// onlyInspected reports whether the lock, which could not be taken, is not
// held, but shared by callers of Inspect for a moment.
func (l lock) onlyInspected() bool {
	shared, err := l.kernel.TryRLock()
	if shared {
		_ = l.kernel.Unlock()
	}
	return shared && err == nil
}

// block waits for the kernel's lock without a limit.
func (l lock) block() error {
	for {
		if err := l.kernel.Lock(); !errors.Is(err, syscall.EINTR) {
			return l.withPath(err)
		}
	}
}

// withPath adds the path to an error without one.
func (l lock) withPath(err error) error {
	var errno syscall.Errno
	if path := (*fs.PathError)(nil); errors.As(err, &errno) && !errors.As(err, &path) {
		return &fs.PathError{Op: "lock", Path: l.path, Err: errno}
	}
	return err
}

// locks has all locks of this process. A holder that keeps its lock to the end
// drops the function that releases it; the garbage collector would then close
// the files, and so release the lock.
var locks sync.Map

// hold writes the note for a lock that was just taken, and returns the function
// that releases it.
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
