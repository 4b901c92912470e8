package watcher

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// slow is for tests that expect one change for a burst, even on a busy machine.
var slow = options{500 * time.Millisecond, time.Minute, (*queue).Add, ofProcess}

// quick is for tests that accept any number of changes.
var quick = options{time.Millisecond, time.Minute, (*queue).Add, ofProcess}

// sets maps names to patterns separated by spaces.
type sets map[string]string

// watch watches dir until the end of the test.
func watch(t testing.TB, o options, dir string, s sets) *TreeWatcher {
	t.Helper()
	patterns := make(map[string][]string)
	for name, list := range s {
		patterns[name] = strings.Fields(list)
	}
	w, err := newTreeWatcher(dir, patterns, o)
	must(t, err)
	t.Cleanup(func() { must(t, w.Close()) })
	return w
}

func next(t testing.TB, w *TreeWatcher) Change {
	t.Helper()
	select {
	case c := <-w.Changes():
		return c
	case <-time.After(time.Minute):
		t.Fatal("no change")
		panic("not reached")
	}
}

// expect fails the test unless the next change, in the form of text, is want,
// or one of several separated by "|". It also proves that there was no other
// change before, and that there is only one.
func expect(t testing.TB, w *TreeWatcher, want string) {
	t.Helper()
	c := next(t, w)
	if got := text(c); !slices.Contains(strings.Split(want, "|"), got) || c.Err != nil {
		t.Fatalf("got %q, error %v; want %q", got, c.Err, want)
	}
}

// text returns, for each set, its name, path, and number of files if not 1.
func text(c Change) string {
	var parts []string
	for _, s := range c.Sets {
		part := s.Name + ":" + s.Path
		if s.Files != 1 {
			part += fmt.Sprintf("(%d)", s.Files)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// until receives changes until one has this set.
func until(t testing.TB, w *TreeWatcher, set string) {
	t.Helper()
	for {
		for _, s := range next(t, w).Sets {
			if s.Name == set {
				return
			}
		}
	}
}

// watched returns the directories that fsnotify watches, relative to dir.
func watched(t testing.TB, w *TreeWatcher, dir string) []string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	must(t, err)
	var found []string
	for _, at := range w.notify.WatchList() {
		rel, err := filepath.Rel(dir, at)
		must(t, err)
		found = append(found, filepath.ToSlash(rel))
	}
	slices.Sort(found)
	return found
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files creates files below dir with their directories, and empty directories
// for paths that end in a slash.
func files(t testing.TB, dir string, texts map[string]string) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		at := filepath.Join(dir, filepath.FromSlash(path))
		if strings.HasSuffix(path, "/") {
			must(t, os.MkdirAll(at, 0o777))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(at), 0o777))
		must(t, os.WriteFile(at, []byte(texts[path]), 0o666))
	}
}

func write(t testing.TB, dir, path string) {
	t.Helper()
	files(t, dir, map[string]string{path: time.Now().String()})
}

// replace writes a file as editors do.
func replace(t testing.TB, dir, path string) {
	t.Helper()
	write(t, dir, path+".tmp")
	rename(t, dir, path+".tmp", path)
}

func rename(t testing.TB, dir, from, to string) {
	t.Helper()
	must(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)))
}

func remove(t testing.TB, dir, path string) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(dir, path)))
}
