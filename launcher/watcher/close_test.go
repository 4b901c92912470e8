package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Close stops everything at any moment, and may be called twice.
func TestClose(t *testing.T) { // not parallel: it counts goroutines and descriptors
	goroutines, descriptors := runtime.NumGoroutine(), openFiles()
	for i := range 20 {
		dir := t.TempDir()
		files(t, dir, map[string]string{"a/x": ""})
		w, err := newTreeWatcher(dir, map[string][]string{"s": {"**"}}, options{ms(i), MaxDelay, (*queue).Add, ofProcess})
		must(t, err)
		var writing sync.WaitGroup
		for j := range 3 {
			writing.Go(func() {
				for k := range 50 {
					write(t, dir, fmt.Sprintf("%d/%d/x", j, k))
				}
			})
		}
		if i%2 == 0 {
			next(t, w)
		}
		closed := make(chan error)
		go func() { closed <- w.Close() }()
		must(t, w.Close())
		must(t, <-closed)
		must(t, w.Close())
		select {
		case c := <-w.Changes():
			t.Errorf("after Close: %+v", c)
		default:
		}
		writing.Wait()
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
	if left := openFiles(); left > descriptors {
		t.Errorf("%d descriptors are left", left-descriptors)
	}
}

// openFiles returns the number of open files, 0 if it is unknown.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// makeLarge creates a tree of 2,000 directories of 10 files, 5 of which are Go's.
func makeLarge(b *testing.B, dir string) {
	for i := range 2000 {
		directory := filepath.Join(dir, fmt.Sprint(i%20), fmt.Sprint(i%200), fmt.Sprint(i))
		must(b, os.MkdirAll(directory, 0o777))
		for j := range 10 {
			must(b, os.WriteFile(filepath.Join(directory, fmt.Sprint(j, []string{".go", ".txt"}[j%2])), nil, 0o666))
		}
	}
	must(b, os.WriteFile(filepath.Join(dir, gitignore), []byte("*.o\n/build/\n**/tmp/*\n!keep\n"), 0o666))
}

func BenchmarkNew(b *testing.B) {
	dir := b.TempDir()
	makeLarge(b, dir)
	patterns := map[string][]string{"api": {"**/*.go", "!**/*_test.go"}, "web": {"**/*.html"}}
	for b.Loop() {
		w, err := NewTree(dir, patterns)
		must(b, err)
		b.StopTimer()
		must(b, w.Close())
		b.StartTimer()
	}
}
