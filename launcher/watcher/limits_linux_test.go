package watcher

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Other tests watch as well: this one cannot be parallel.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/b/": "", "c/": ""})
	own := []string{filepath.Join("/proc", strconv.Itoa(os.Getpid()))}
	before, open := used(own, 0)
	w, err := NewTree(dir, map[string][]string{"s": {"**"}})
	must(t, err)
	after, opened := used(own, 0)
	must(t, w.Close())
	if after-before != 4 || opened-open != 1 {
		t.Errorf("counted %d folders and %d watchers; want 4 and 1", after-before, opened-open)
	}
	if directories, watchers := used(own, os.Getpid()); directories != 0 || watchers != 0 {
		t.Errorf("counted %d folders and %d watchers of the process that is excepted", directories, watchers)
	}
	if f, v := Limits(0); f.Max < 1 || v.Max < 1 || f.Setting == "" || v.Setting == "" {
		t.Errorf("limits are %+v and %+v", f, v)
	}
}
