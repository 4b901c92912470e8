package watcher

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

func TestBurstIsOneChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := watch(t, slow, dir, sets{"s": "**/*.go"})
	for range 100 {
		write(t, dir, "x.go")
		replace(t, dir, "x.go")
		remove(t, dir, "x.go")
		write(t, dir, "sub/x.go")
		remove(t, dir, "sub")
	}
	write(t, dir, "x.go")
	expect(t, w, "s:x.go|s:x.go(2)|s:sub/x.go(2)") // a short-lived file may be missed
	write(t, dir, "y.go")
	expect(t, w, "s:y.go")
}

// Checking out a branch with a thousand files in a hundred directories and another
// .gitignore is one change.
func TestCheckoutIsOneChange(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git: ", err)
	}
	t.Parallel()
	dir := t.TempDir()
	must(t, git(t, dir, "init", "-q", "-b", "one"))
	commit := func() {
		must(t, git(t, dir, "add", "."))
		must(t, git(t, dir, "commit", "-q", "-m", "x"))
	}
	files(t, dir, map[string]string{"a/x.go": "", ".gitignore": "gen"})
	commit()
	must(t, git(t, dir, "checkout", "-q", "-b", "two"))
	files(t, dir, map[string]string{".gitignore": "*.o", "gen/x.go": ""})
	for i := range 1000 {
		files(t, dir, map[string]string{fmt.Sprintf("d%d/e%d/f%d.go", i%10, i%100, i): "", fmt.Sprintf("d%d/f%d.txt", i%10, i): ""})
	}
	commit()
	must(t, git(t, dir, "checkout", "-q", "one"))
	o := slow
	o.quiet = time.Second // git may pause on a busy machine, too
	w := watch(t, o, dir, sets{"go": "**/*.go", "txt": "**/*.txt"})
	for range 2 {
		for _, branch := range []string{"two", "one"} {
			must(t, git(t, dir, "checkout", "-q", branch))
			c := next(t, w)
			if len(c.Sets) != 2 || c.Sets[0].Files != 1001 || c.Sets[1].Files != 1000 || c.Err != nil {
				t.Errorf("checkout of %s: %+v", branch, c)
			}
		}
	}
	write(t, dir, "a/x.go")
	expect(t, w, "go:a/x.go")
}

// Endless events are reported after MaxDelay.
func TestConstantChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := slow
	o.latest = MaxDelay
	w := watch(t, o, dir, sets{"s": "*"})
	stop := make(chan struct{})
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(stop)
	start := time.Now()
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_ = os.WriteFile(filepath.Join(dir, "x"), nil, 0o666)
			}
		}
	})
	next(t, w)
	if took := time.Since(start); took > MaxDelay+5*time.Second { // for a busy machine
		t.Errorf("sent after %v", took)
	}
	next(t, w)
}

// Changes whose events were lost are found and reported exactly.
func TestLostEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/x.go": "1", "a/y.go": "1", "b/z.go": "1"})
	w := watch(t, slow, dir, sets{"a": "a/*.go", "b": "b/**", "c": "*"})
	for _, directory := range w.notify.WatchList() {
		must(t, w.notify.Remove(directory)) // so that there are no events
	}
	files(t, dir, map[string]string{"a/x.go": "12", "b/new/x": ""})
	remove(t, dir, "b/z.go")
	w.notify.Errors <- fsnotify.ErrEventOverflow
	expect(t, w, "a:a/x.go b:b/new/x(2)")
	write(t, dir, "b/new/x")
	expect(t, w, "b:b/new/x")
}

// After any sequence of operations the next change is reported, and only existing
// directories are watched.
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 25 {
		dir := t.TempDir()
		by := sets{"code": "**/*.go", "end": "end"}
		for i := range 1 + 3 + 9 + 27 { // the maximum number of directories
			by[fmt.Sprint(i)] = fmt.Sprintf("**/new%d.go", i)
		}
		w := watch(t, quick, dir, by)
		in := func() string {
			path := dir
			for range 1 + random.IntN(3) {
				path = filepath.Join(path, string(rune('a'+random.IntN(3))))
			}
			return path
		}
		things := []func(){
			func() { _ = os.MkdirAll(in(), 0o777) },
			func() { _ = os.MkdirAll(in(), 0o777) },
			func() { _ = os.RemoveAll(in()) },
			func() { _ = os.Rename(in(), in()) },
			func() { _ = os.Rename(in(), in()) },
			func() { _ = os.WriteFile(filepath.Join(in(), "x.go"), nil, 0o666) },
			func() { _ = os.WriteFile(in(), nil, 0o666) },
			func() { _ = os.WriteFile(filepath.Join(in(), gitignore), []byte("/b"), 0o666) },
			func() { _ = os.Remove(filepath.Join(in(), gitignore)) },
			func() { runtime.Gosched() },
		}
		for range random.IntN(60) {
			things[random.IntN(len(things))]()
		}
		write(t, dir, "end")
		until(t, w, "end")
		var directories []string
		must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				directories = append(directories, path)
			}
			_ = os.Remove(filepath.Join(path, gitignore))
			return err
		}))
		for i, directory := range directories {
			rel, err := filepath.Rel(dir, directory)
			must(t, err)
			write(t, dir, filepath.ToSlash(filepath.Join(rel, fmt.Sprintf("new%d.go", i))))
			until(t, w, fmt.Sprint(i))
		}
		if got := watched(t, w, dir); len(got) != len(directories) {
			t.Errorf("watched: %q, existing: %q", got, directories)
		}
		must(t, w.Close())
	}
}
