package lockfile

import (
	"errors"
	"io/fs"
	"os"
)

// Remove removes the lock file at path, after calling before with the lock
// held. It does not wait: if the lock is held, the error is a *HeldError. If
// before returns an error, Remove returns it and does not remove the file. A
// missing file is not an error, and then Remove does not call before.
func Remove(path string, before func() error) error {
	l, err := openExisting(path)
	if err != nil {
		return ignoreMissing(err)
	}
	defer l.note.Close()
	taken, err := l.try()
	switch {
	case err != nil:
		return ignoreMissing(err)
	case !taken:
		return l.held()
	}
	defer func() { _ = l.kernel.Unlock() }()
	if !l.current() {
		return nil // another process has just removed it
	}
	if err := before(); err != nil {
		return err
	}
	return ignoreMissing(os.Remove(path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// current reports whether the lock, which was taken, belongs to the file that
// has its path now. Then that stays so: only a holder removes the file.
func (l lock) current() bool {
	now, err := os.Stat(l.path)
	if err != nil {
		return false
	}
	note, err1 := l.note.Stat()
	locked, err2 := l.kernel.Stat()
	return err1 == nil && err2 == nil && os.SameFile(now, note) && os.SameFile(now, locked)
}

// drop releases a lock that was not held, or whose file was removed.
func (l lock) drop() {
	if l.note != nil {
		_ = l.kernel.Unlock()
		l.note.Close()
	}
}
