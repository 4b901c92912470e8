package watcher

import (
	"path/filepath"
	"testing"
)

// CountTree counts the directories that NewTree watches.
func TestCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{
		".git/HEAD": "", ".gitignore": "out/", "app/a/x.go": "", "app/b/": "", "app/out/x.go": "", "app/node_modules/m/x.go": "", "docs/x.md": "",
	})
	root := filepath.Join(dir, "app")
	patterns := sets{"s": "**/*.go !b/**"}
	w := watch(t, slow, root, patterns)
	want := watched(t, w, dir)
	got, err := CountTree(root, map[string][]string{"s": {"**/*.go", "!b/**"}})
	if err != nil || got.Directories != len(want) || got != (Counted{3, 10}) {
		t.Errorf("counted %+v, %v; want %q", got, err, want)
	}
	if _, err := CountTree(root, map[string][]string{"s": {"[x"}}); err == nil {
		t.Error("an invalid pattern was accepted")
	}
	if _, err := CountTree(filepath.Join(dir, ".gitignore"), nil); err == nil {
		t.Error("a file was accepted as a folder")
	}
}
