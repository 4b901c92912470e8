package watcher

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// Change is what has happened since the last one was told.
type Change struct {
	// Sets are those with a file that has changed, come or gone, sorted by name.
	// None are here if there is an error only.
	Sets []Touched
	// Err says which folders cannot be watched, each once: a [LimitError] or an
	// fs.PathError, or several joined. All other folders are watched on.
	Err error
}

// Touched is a set of patterns with files that have changed.
type Touched struct {
	Name  string
	Path  string // the first of the files, relative to the root and "/"-separated
	Files int    // how many there are

	// Last is a time at which the latest of their changes had happened: what has
	// read the files later has read what they are now.
	Last time.Time
}

// burst gathers what will be one Change. The zero value is empty.
type burst struct {
	count int // grows with whatever happens, also again to the same file
	hits  map[string]*hit
	errs  []error
}

// hit is what has happened to a set.
type hit struct {
	paths []string // in the order in which they were touched
	files map[string]presence
	last  time.Time // when it was last touched, or somewhat later
}

// presence is whether a file was there before a burst, and is now.
type presence struct{ before, now bool }

// add notes that a file of these sets has changed, come or gone: whether it was
// there before that, and is now.
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

// empty reports whether nothing is to be told: what came has gone again.
func (c Change) empty() bool { return len(c.Sets) == 0 && c.Err == nil }
