package watcher

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// Change is what has happened since the last Change was sent.
type Change struct {
	// Sets are the sets with a file that was written, created or removed, sorted
	// by name. It is empty if there is only an error.
	Sets []Touched
	// Err reports the directories that cannot be watched, each once: a
	// [LimitError] or an fs.PathError, or several joined. All other directories
	// are still watched.
	Err error
}

// Touched is a set of patterns with files that have changed.
type Touched struct {
	Name  string
	Path  string // the first of the files, relative to the root and "/"-separated
	Files int    // the number of files

	// Last is a time after the latest change: a process that has read the files
	// later has read their current content.
	Last time.Time
}

// burst collects what will be one Change. The zero value is empty.
type burst struct {
	count int // grows with every event, even for the same file
	hits  map[string]*hit
	errs  []error
}

// hit is what has changed in a set.
type hit struct {
	paths []string // in the order of their first change
	files map[string]presence
	last  time.Time // the time of the last change, or a little later
}

// presence is whether a file was there before a burst, and is now.
type presence struct{ before, now bool }

// add records a change of a file of these sets: whether it existed before that, and
// whether it exists now.
func (b *burst) add(sets []string, path string, before, now bool) {
	b.count++
	if b.hits == nil {
		b.hits = make(map[string]*hit)
	}
	for _, name := range sets {
		h := b.hits[name]
		if h == nil {
			h = &hit{files: make(map[string]presence)}
			b.hits[name] = h
		}
		if first, touched := h.files[path]; touched {
			before = first.before
		} else {
			h.paths = append(h.paths, path)
		}
		h.files[path] = presence{before, now}
		h.last = time.Now()
	}
}

func (b *burst) fail(err error) {
	b.count++
	b.errs = append(b.errs, err)
}

func (b *burst) change() Change {
	c := Change{Err: errors.Join(b.errs...)}
	for _, name := range slices.Sorted(maps.Keys(b.hits)) {
		h := b.hits[name]
		changed := slices.DeleteFunc(slices.Clone(h.paths), func(path string) bool { return h.files[path] == presence{} })
		if len(changed) > 0 {
			c.Sets = append(c.Sets, Touched{name, changed[0], len(changed), h.last})
		}
	}
	return c
}

// empty reports whether there is nothing to send, because all new files are gone
// again.
func (c Change) empty() bool { return len(c.Sets) == 0 && c.Err == nil }
