package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// LimitError reports that the system does not watch more directories.
type LimitError struct {
	Directory string // the first that is not watched, absolute
	Setting   string // the argument for sysctl -w; "" if it is the process's limit of open files
	Err       error  // the system's error
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("watch %s: the limit of watched directories is reached: %v", e.Directory, e.Err)
}

func (e *LimitError) Unwrap() error { return e.Err }

// newLimitError returns nil if err is not caused by a limit. inotify(7) has two of
// them; with kqueue, each watch is an open file.
func newLimitError(directory string, err error) *LimitError {
	switch {
	case errors.As(err, new(*filesError)):
		return &LimitError{directory, "", err}
	case errors.Is(err, syscall.ENOSPC):
		return &LimitError{directory, settingOf(directories), err}
	case errors.Is(err, syscall.EMFILE) && !openFilesLeft():
		return &LimitError{directory, "", err}
	case errors.Is(err, syscall.EMFILE):
		return &LimitError{directory, settingOf(watchers), err}
	}
	return nil
}

// openFilesLeft distinguishes the two limits that are both EMFILE.
func openFilesLeft() bool {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// watch adds a directory. It reports whether the directory exists and can be
// watched.
func (t *tree) watch(at string, b *burst) bool {
	select {
	case <-t.closed:
		return false
	default:
	}
	err := t.notify.Add(at)
	if err != nil {
		t.fail(at, err, b)
	}
	return err == nil
}

// fail reports that a directory cannot be watched, or that a limit is reached, each
// once. It ignores directories that are gone.
func (t *tree) fail(at string, err error, b *burst) {
	key := at
	if limit := newLimitError(at, err); limit != nil {
		key, err = "", limit
	} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	} else if !errors.As(err, new(*fs.PathError)) {
		err = &fs.PathError{Op: "watch", Path: at, Err: err}
	}
	if !t.failed[key] {
		t.failed[key] = true
		b.fail(err)
	}
}
