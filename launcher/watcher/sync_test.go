package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// edits are ways to change a file.
var edits = []struct {
	name string
	edit func(t testing.TB, dir, path string)
}{
	{"written in place", write},
	{"replaced", replace},
	{"removed and created again", func(t testing.TB, dir, path string) {
		remove(t, dir, path)
		write(t, dir, path)
	}},
	{"moved away and back", func(t testing.TB, dir, path string) {
		rename(t, dir, path, path+"~")
		rename(t, dir, path+"~", path)
	}},
	{"touched", func(t testing.TB, dir, path string) {
		now := time.Now()
		must(t, os.Chtimes(filepath.Join(dir, path), now, now))
	}},
}

// When Sync returns, all earlier changes have been received.
func TestSyncTree(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	files(t, dir, map[string]string{"a/x": "", "b/": ""})
	files(t, elsewhere, map[string]string{"x": ""})
	must(t, os.Symlink(filepath.Join(elsewhere, "x"), filepath.Join(dir, "b/link")))
	w := watch(t, quick, dir, sets{"a": "a/**", "b": "b/**"})
	var a, b int
	counts := make(chan [2]int) // of received changes
	go func() {
		for {
			select {
			case counts <- [2]int{a, b}:
			case c := <-w.Changes():
				for _, s := range c.Sets {
					if s.Last.After(time.Now()) {
						t.Errorf("%s changed in the future", s.Name)
					}
					switch s.Name {
					case "a":
						a++
					case "b":
						b++
					}
				}
			case <-t.Context().Done():
				return
			}
		}
	}()
	for i := range 20 {
		for _, e := range edits {
			before := <-counts
			e.edit(t, dir, "a/x")
			must(t, w.Sync(t.Context()))
			if (<-counts)[0] == before[0] {
				t.Errorf("round %d: %s: not reported", i, e.name)
			}
		}
		before := <-counts
		write(t, dir, fmt.Sprintf("a/%d/new", i))
		must(t, w.Sync(t.Context()))
		if (<-counts)[0] == before[0] {
			t.Errorf("round %d: in a new folder: not reported", i)
		}
		before = <-counts
		write(t, elsewhere, "x")
		must(t, w.Sync(t.Context()))
		if (<-counts)[1] == before[1] {
			t.Errorf("round %d: through a link: not reported", i)
		}
	}
	if left := slices.DeleteFunc(w.notify.Watcher.WatchList(), func(at string) bool { return !isCookie(at) }); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestSyncFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "x")
	w, err := newWatcher(time.Millisecond)
	must(t, err)
	defer w.Close()
	must(t, w.Watch([]string{filepath.Join(dir, "x")}))
	received, count := 0, make(chan int)
	go func() {
		for {
			select {
			case <-w.Changes():
				received++
			case count <- received:
			case <-t.Context().Done():
				return
			}
		}
	}()
	for i := range 20 {
		for _, e := range edits {
			if e.name == "touched" { // only content matters here
				continue
			}
			before := <-count
			e.edit(t, dir, "x")
			must(t, w.Sync(t.Context()))
			if <-count == before {
				t.Errorf("round %d: %s: not reported", i, e.name)
			}
		}
		before := <-count
		must(t, w.Sync(t.Context()))
		if <-count != before {
			t.Error("reported without a change")
		}
	}
}

// A call of Sync during a burst does not split the burst.
func TestSyncWaitsForQuiet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "x")
	w := watch(t, slow, dir, sets{"all": "**"})
	write(t, dir, "x")
	synced := make(chan error, 1)
	go func() { synced <- w.Sync(t.Context()) }()
	write(t, dir, "y")
	if c := next(t, w); len(c.Sets) != 1 || c.Sets[0].Files != 2 {
		t.Errorf("reported %+v", c)
	}
	must(t, <-synced)
	must(t, w.Close())
	if err := w.Sync(t.Context()); !errors.Is(err, fsnotify.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// If no cookie can be created, the tree is read again.
func TestSyncWithoutCookie(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "x")
	w := watch(t, quick, dir, sets{"all": "**"})
	t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
	t.Setenv("TMP", filepath.Join(dir, "missing")) // Windows
	if _, err := os.MkdirTemp("", ""); err == nil {
		t.Skip("a folder can be made in any case")
	}
	must(t, w.Sync(t.Context()))
	write(t, dir, "x")
	synced := make(chan error, 1)
	go func() { synced <- w.Sync(t.Context()) }()
	expect(t, w, "all:x")
	must(t, <-synced)
}

func BenchmarkSync(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "x")
	w, err := NewTree(dir, map[string][]string{"all": {"**"}})
	must(b, err)
	defer w.Close()
	for b.Loop() {
		must(b, w.Sync(b.Context()))
	}
}
