package lockfile

import (
	"errors"
	"io/fs"
	"os"
)

// Remove removes the lock file at path, after calling before with the lock held. It does not wait: if another holds the lock, the
// error is a *HeldError, and nothing is removed, as with an error of before. A file that is not there is no error, and then before
// is not called.
func Remove(path string, before func() error) error {
	l, err := openExisting(path)
	if err != nil {
		return ifThere(err)
	}
	defer l.note.Close()
	taken, err := l.try()
	switch {
	case err != nil:
		return ifThere(err)
	case !taken:
		return l.held()
	}
	defer func() { _ = l.kernel.Unlock() }()
	if !l.current() {
		return nil // another has just removed it
	}
	if err := before(); err != nil {
		return err
	}
	return ifThere(os.Remove(path))
}

func ifThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// current reports whether the lock, which was taken, is that of the file that is at its path now. Once it is, it stays so: only a
// holder removes it.
func (l lock) current() bool {
	now, err := os.Stat(l.path)
	if err != nil {
		return false
	}
	note, err1 := l.note.Stat()
	locked, err2 := l.kernel.Stat()
	return err1 == nil && err2 == nil && os.SameFile(now, note) && os.SameFile(now, locked)
}

// drop gives up a lock that was not held, or whose file was removed.
func (l lock) drop() {
	if l.note != nil {
		_ = l.kernel.Unlock()
		l.note.Close()
	}
}
