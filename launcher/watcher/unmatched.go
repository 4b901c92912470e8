package watcher

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Pattern is a pattern of a set.
type Pattern struct {
	Text   string
	Folder string // relative to the root; where else its author may have meant it; "" for nowhere
}

// Unmatched says that a pattern matches no file.
type Unmatched struct {
	Pattern
	Ignored bool   // it matches only what git ignores
	Instead string // a pattern that matches some, if there is a likely one
}

// maxEntries is how many files and folders FindUnmatched looks at.
const maxEntries = 100_000

// FindUnmatched returns those of the patterns, which have to be valid, that match
// no file below root that counts. An exclusion matches what would be ignored, too.
// It looks no further once each has matched; where there is so much that this
// would take long, it returns none.
func FindUnmatched(root string, patterns []Pattern) []Unmatched {
	root, err := realPath(root)
	if err != nil {
		return nil
	}
	t := newTree(root, nil, counter{})
	t.root.above = t.climb(new(burst))
	s := search{tree: t, left: maxEntries}
	for _, p := range patterns {
		glob, exclusion := strings.CutPrefix(p.Text, "!")
		s.open = append(s.open, &wanted{Pattern: p, glob: glob, exclusion: exclusion, others: alternatives(glob, p.Folder)})
	}
	if len(s.open) > 0 {
		s.walk(t.root)
	}
	if s.left <= 0 {
		return nil
	}
	var found []Unmatched
	for _, w := range s.open {
		found = append(found, w.unmatched())
	}
	return found
}

// search is a walk through a tree for files that match.
type search struct {
	tree *tree
	open []*wanted // that match nothing so far
	left int       // how many entries may still be looked at
}

// wanted is a pattern for which a file is looked for.
type wanted struct {
	Pattern
	glob      string // without "!"
	exclusion bool
	ignored   bool     // something that is ignored matches
	others    []string // globs that may have been meant, the likeliest first
	likely    int      // 1 + the index of the first of others that matches; 0: none does
}

func (w *wanted) unmatched() Unmatched {
	u := Unmatched{Pattern: w.Pattern, Ignored: w.ignored}
	if w.likely > 0 {
		if u.Instead = w.others[w.likely-1]; w.exclusion {
			u.Instead = "!" + u.Instead
		}
	}
	return u
}

// alternatives are globs that the author of one may have meant: it is relative to
// another folder, names a folder, or its files lie deeper.
func alternatives(glob, folder string) []string {
	dir, base := path.Split(glob)
	all := []string{glob + "/**"}
	if folder != "" {
		all = append(all, path.Join(folder, glob), path.Join(folder, glob, "**"))
	}
	if strings.Trim(base, "*") == "" { // any file is none that was meant
		return append(all, path.Join("**", glob))
	}
	if folder != "" {
		all = append(all, path.Join(folder, "**", base))
	}
	all = append(all, path.Join(dir, "**", base), path.Join("**", glob), path.Join("**", base))
	return slices.DeleteFunc(all, func(other string) bool { return other == glob })
}

// walk goes through a folder while something is looked for.
func (s *search) walk(f *folder) {
	at := s.tree.at(f.path)
	entries, err := os.ReadDir(at)
	if err != nil {
		return
	}
	f.rules = readRules(at)
	var below []*folder
	for _, e := range entries {
		if s.left--; s.left <= 0 || len(s.open) == 0 {
			return
		}
		name := f.join(e.Name())
		if !e.IsDir() {
			if counts(at, e) {
				s.see(name, f.ignores(e.Name(), false))
			}
			continue
		}
		ignored := f.ignores(e.Name(), true)
		if ignored || skips(name) {
			s.pass(name)
		}
		if !skips(name) && (!ignored || slices.ContainsFunc(s.open, func(w *wanted) bool { return literal(w.glob) && leads(w.glob, name) })) {
			sub := newFolder(f, e.Name(), name)
			sub.ignored = ignored
			below = append(below, sub)
		}
	}
	for _, sub := range below { // files first: they lie near the root
		s.walk(sub)
	}
}

// counts reports whether an entry may be a file that counts.
func counts(at string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	_, err := os.Stat(filepath.Join(at, e.Name()))
	return err == nil
}

// see takes in that there is a file.
func (s *search) see(file string, ignored bool) {
	s.open = slices.DeleteFunc(s.open, func(w *wanted) bool {
		if doublestar.MatchUnvalidated(w.glob, file) {
			if !ignored || w.exclusion || literal(w.glob) {
				return true
			}
			w.ignored = true
		}
		for i, other := range w.others {
			if w.likely > 0 && i >= w.likely-1 {
				break
			}
			if !ignored && doublestar.MatchUnvalidated(other, file) {
				w.likely = i + 1
			}
		}
		return false
	})
}

// pass takes in that there is a folder that is not looked into. Patterns that name
// it are about it.
func (s *search) pass(folder string) {
	s.open = slices.DeleteFunc(s.open, func(w *wanted) bool {
		about := covers(w.glob, folder) || !strings.HasPrefix(w.glob, "**") && leads(w.glob, folder)
		w.ignored = w.ignored || about && !literal(w.glob)
		return about && w.exclusion
	})
}
