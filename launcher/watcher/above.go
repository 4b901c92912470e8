package watcher

import (
	"os"
	"path/filepath"
	"slices"
)

// readAbove returns the parent directory of the root, with its own parents, as
// far as their rules apply to files below the root.
func (t *tree) readAbove(b *burst) (above *directory) {
	for _, at := range ancestors(t.path) {
		t.watch(at, b)
		f := newDirectory(above, filepath.Base(at), "")
		f.rules = readRules(at)
		f.ignored = above.ignores(f.name, true)
		above = f
	}
	if above.ignores(t.root.name, true) {
		return nil
	}
	return above
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
