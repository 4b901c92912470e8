package watcher

import (
	"os"
	"path/filepath"
	"slices"
)

// Files returns the files below root that the patterns match, with slashes,
// relative to root and sorted: those whose changes a TreeWatcher would report.
// It ignores directories that it cannot read.
func Files(root string, patterns []string) (files []string, err error) {
	s, err := newSet("", patterns)
	if err != nil || len(patterns) == 0 {
		return nil, err
	}
	if len(s.exclude) == 0 && !slices.ContainsFunc(s.include, func(glob string) bool { return !literal(glob) }) {
		for _, name := range s.include { // which git may ignore
			if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err == nil && !info.IsDir() {
				files = append(files, name)
			}
		}
		slices.Sort(files)
		return slices.Compact(files), nil
	}
	if root, err = realPath(root); err != nil {
		return nil, err
	}
	t := newTree(root, nil, counter{})
	t.root.parent = t.readParents(new(burst))
	collectFiles(t, t.root, s, &files)
	slices.Sort(files)
	return files, nil
}

// collectFiles appends the files of a set in a directory and below.
func collectFiles(t *tree, d *directory, s set, files *[]string) {
	at := t.at(d.path)
	entries, err := os.ReadDir(at)
	if err != nil {
		return
	}
	d.rules = readRules(at)
	for _, e := range entries {
		name := d.join(e.Name())
		if !e.IsDir() {
			if isFile(at, e) && s.contains(name, d.ignores(e.Name(), false)) {
				*files = append(*files, name)
			}
			continue
		}
		if ignored := d.ignores(e.Name(), true); !skips(name) && s.reaches(name, ignored) {
			sub := newDirectory(d, e.Name(), name)
			sub.ignored = ignored
			collectFiles(t, sub, s, files)
		}
	}
}
