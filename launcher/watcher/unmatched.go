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
	Text      string
	Directory string // another directory it may be meant to be relative to, relative to the root; "" for none
}

// Unmatched is a pattern that matches no file.
type Unmatched struct {
	Pattern
	Ignored bool   // it matches only files that git ignores
	Instead string // a likely pattern that matches files; "" for none
}

// maxEntries limits the number of files and directories that FindUnmatched reads.
const maxEntries = 100_000

// FindUnmatched returns the patterns that match no file below root. An
// exclusion may match ignored files. The patterns must be valid. It returns nil
// for a tree of more than maxEntries in which not all have matched by then.
func FindUnmatched(root string, patterns []Pattern) []Unmatched {
	root, err := realPath(root)
	if err != nil {
		return nil
	}
	t := newTree(root, nil, counter{})
	t.root.parent = t.readParents(new(burst))
	s := search{tree: t, left: maxEntries}
	for _, p := range patterns {
		glob, exclusion := strings.CutPrefix(p.Text, "!")
		s.open = append(s.open, &wanted{Pattern: p, glob: glob, exclusion: exclusion, others: alternatives(glob, p.Directory)})
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
	open []*wanted // patterns without a match so far
	left int       // how many more entries may be read
}

// wanted is a pattern without a match.
type wanted struct {
	Pattern
	glob      string // without "!"
	exclusion bool
	ignored   bool     // an ignored file or directory matches
	others    []string // globs that may have been meant, the most likely first
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

// alternatives returns globs that the author of a glob may have meant: it is
// relative to another directory, it names a directory, or its files are in
// subdirectories.
func alternatives(glob, directory string) []string {
	dir, base := path.Split(glob)
	all := []string{glob + "/**"}
	if directory != "" {
		all = append(all, path.Join(directory, glob), path.Join(directory, glob, "**"))
	}
	if strings.Trim(base, "*") == "" { // "**/*" is not an alternative
		return append(all, path.Join("**", glob))
	}
	if directory != "" {
		all = append(all, path.Join(directory, "**", base))
	}
	all = append(all, path.Join(dir, "**", base), path.Join("**", glob), path.Join("**", base))
	return slices.DeleteFunc(all, func(other string) bool { return other == glob })
}

// walk reads a directory and those below it until every pattern has matched.
func (s *search) walk(d *directory) {
	at := s.tree.at(d.path)
	entries, err := os.ReadDir(at)
	if err != nil {
		return
	}
	d.rules = readRules(at)
	var below []*directory
	for _, e := range entries {
		if s.left--; s.left <= 0 || len(s.open) == 0 {
			return
		}
		name := d.join(e.Name())
		if !e.IsDir() {
			if isFile(at, e) {
				s.matchFile(name, d.ignores(e.Name(), false))
			}
			continue
		}
		ignored := d.ignores(e.Name(), true)
		if ignored || skips(name) {
			s.matchSkipped(name)
		}
		if !skips(name) && (!ignored || slices.ContainsFunc(s.open, func(w *wanted) bool { return literal(w.glob) && leads(w.glob, name) })) {
			sub := newDirectory(d, e.Name(), name)
			sub.ignored = ignored
			below = append(below, sub)
		}
	}
	for _, sub := range below { // files first: most are near the root
		s.walk(sub)
	}
}

// isFile reports whether an entry may be a file of a set.
func isFile(at string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	_, err := os.Stat(filepath.Join(at, e.Name()))
	return err == nil
}

// matchFile matches a file.
func (s *search) matchFile(file string, ignored bool) {
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

// matchSkipped matches a directory that walk does not read: patterns that name
// it are about its files.
func (s *search) matchSkipped(directory string) {
	s.open = slices.DeleteFunc(s.open, func(w *wanted) bool {
		about := covers(w.glob, directory) || !strings.HasPrefix(w.glob, "**") && leads(w.glob, directory)
		w.ignored = w.ignored || about && !literal(w.glob)
		return about && w.exclusion
	})
}
