package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// LimitError says that the system does not watch more folders.
type LimitError struct {
	Folder  string // the first that is not watched, absolute
	Setting string // what to give to sysctl -w; "" if it is the process's limit of open files
	Err     error  // of the system
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("watch %s: the system watches no more folders: %v", e.Folder, e.Err)
}

func (e *LimitError) Unwrap() error { return e.Err }

// newLimitError returns nil if err does not come from a limit. inotify(7) has two
// of them; with kqueue, what is watched is an open file.
func newLimitError(folder string, err error) *LimitError {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return &LimitError{folder, settingOf(folders), err}
	case errors.Is(err, syscall.EMFILE) && !openFilesLeft():
		return &LimitError{folder, "", err}
	case errors.Is(err, syscall.EMFILE):
		return &LimitError{folder, settingOf(watchers), err}
	}
	return nil
}

// openFilesLeft tells apart the two limits that are both EMFILE.
func openFilesLeft() bool {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// watch reports whether a folder is there and can be watched.
func (t *tree) watch(at string, b *burst) bool {
	select {
	case <-t.closed:
		return false
	default:
	}
	err := t.notify.Add(at)
	if err != nil {
		t.trouble(at, err, b)
	}
	return err == nil
}

// trouble tells what folder cannot be watched, and that a limit is reached, each
// once. That a folder is gone by now is no trouble.
func (t *tree) trouble(at string, err error, b *burst) {
	key := at
	if limit := newLimitError(at, err); limit != nil {
		key, err = "", limit
	} else if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	} else if !errors.As(err, new(*fs.PathError)) {
		err = &fs.PathError{Op: "watch", Path: at, Err: err}
	}
	if !t.told[key] {
		t.told[key] = true
		b.fail(err)
	}
}
