package watcher

import (
	"errors"
	"io/fs"
	"syscall"
)

// CountTree returns the number of folders that NewTree would watch, without watching
// any. Its errors are those of NewTree, except for [LimitError].
func CountTree(root string, patterns map[string][]string) (int, error) {
	sets, err := newSets(patterns)
	if err != nil {
		return 0, err
	}
	if root, err = realPath(root); err != nil {
		return 0, err
	}
	counted := counter{}
	var b burst
	if !newTree(root, sets, counted).resync(&b) {
		return 0, errors.Join(append(b.errs, &fs.PathError{Op: "watch", Path: root, Err: syscall.ENOTDIR})...)
	}
	return len(counted), nil
}

// counter counts folders instead of watching them.
type counter map[string]bool

func (c counter) Add(folder string) error {
	c[folder] = true
	return nil
}

func (c counter) Remove(folder string) error {
	delete(c, folder)
	return nil
}

func (c counter) WatchList() []string { return nil }

// Usage is how much of a limit per user is in use.
type Usage struct {
	Used    int    // by the user's visible processes
	Max     int    // 0 where the system has no such limit
	Setting string // the argument for sysctl -w that raises the limit
}

// Limits returns how many folders this user's processes watch, and how many
// watchers they have, without those of the process except, which may be 0. Only
// Linux has such limits, see inotify(7). With kqueue, each watch is an open file.
func Limits(except int) (folders, watchers Usage) { return limits(except) }
