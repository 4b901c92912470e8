package watcher

import (
	"os"
	"path/filepath"
	"runtime"
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

// Other tests watch as well: this one cannot be parallel.
func TestLimits(t *testing.T) {
	if runtime.GOOS != "linux" {
		if f, w := Limits(0); f != (Usage{}) || w != (Usage{}) {
			t.Errorf("limits where there are none: %v, %v", f, w)
		}
		return
	}
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/b/": "", "c/": ""})
	// Other processes start and end meanwhile; compare with and without this one.
	taken := func() (directories, watchers int) {
		f, w := Limits(0)
		g, v := Limits(os.Getpid())
		if f.Max < 1 || w.Max < 1 || f.Setting == "" || w.Setting == "" {
			t.Fatalf("limits are %+v and %+v", f, w)
		}
		return f.Used - g.Used, w.Used - v.Used
	}
	for range 100 {
		before, open := taken()
		w, err := NewTree(dir, map[string][]string{"s": {"**"}})
		must(t, err)
		after, opened := taken()
		must(t, w.Close())
		if after-before == 4 && opened-open == 1 {
			return
		}
	}
	t.Error("4 folders and their watcher were never counted")
}
