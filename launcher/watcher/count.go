package watcher

import (
	"errors"
	"io/fs"
	"syscall"
)

// Counted is how many directories and files watching a tree needs.
type Counted struct {
	Directories int
	// Files is how many files it opens, on a system where watching opens files:
	// see FileLimit.
	Files int
}

// CountTree returns what NewTree would watch, without watching it. Its errors are
// those of NewTree, except for [LimitError].
func CountTree(root string, patterns map[string][]string) (Counted, error) {
	sets, err := newSets(patterns)
	if err != nil {
		return Counted{}, err
	}
	if root, err = realPath(root); err != nil {
		return Counted{}, err
	}
	counted := counter{}
	var b burst
	if !newTree(root, sets, counted).resync(&b) {
		return Counted{}, errors.Join(append(b.errs, &fs.PathError{Op: "watch", Path: root, Err: syscall.ENOTDIR})...)
	}
	c := Counted{Directories: len(counted), Files: 1}
	for directory := range counted {
		c.Files += filesIn(directory)
	}
	return c, nil
}

// counter counts directories instead of watching them.
type counter map[string]bool

func (c counter) Add(directory string) error {
	c[directory] = true
	return nil
}

func (c counter) Remove(directory string) error {
	delete(c, directory)
	return nil
}

func (c counter) WatchList() []string { return nil }

// FileLimit is how many files this process may open; 0 on a system where watching
// opens none.
func FileLimit() int { return fileLimit() }

// Usage is how much of a limit per user is in use.
type Usage struct {
	Used    int    // by the user's visible processes
	Max     int    // 0 where the system has no such limit
	Setting string // the argument for sysctl -w that raises the limit
}

// Limits returns how many directories this user's processes watch, and how many
// watchers they have, without those of the process except, which may be 0. Only
// Linux has such limits, see inotify(7).
func Limits(except int) (directories, watchers Usage) { return limits(except) }
