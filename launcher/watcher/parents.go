package watcher

import (
	"os"
	"path/filepath"
	"slices"
)

// readParents returns the parent directory of the root, with its own parents, as
// far as their rules apply to files below the root.
func (t *tree) readParents(b *burst) (parent *directory) {
	for _, at := range ancestors(t.path) {
		t.watch(at, b)
		d := newDirectory(parent, filepath.Base(at), "")
		d.rules = readRules(at)
		d.ignored = parent.ignores(d.name, true)
		parent = d
	}
	if parent.ignores(t.root.name, true) {
		return nil
	}
	return parent
}

// ancestors returns the directories above root in its repository, the outermost
// first.
func ancestors(root string) (found []string) {
	for at := root; ; at = filepath.Dir(at) {
		if at != root {
			found = slices.Insert(found, 0, at)
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return found
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
