package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func write(t *testing.T, path, content string, o Options) {
	t.Helper()
	if err := Write(path, []byte(content), o); err != nil {
		t.Fatal(err)
	}
}

// contents returns the files in dir with their contents.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(content)
	}
	return files
}

func wantDirectory(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := contents(t, dir)
	if len(got) != len(want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: %q, want %q", name, got[name], content)
		}
	}
}

func TestWrite(t *testing.T) {
	for name, o := range map[string]Options{"synced": {}, "volatile": {Volatile: true}, "unlocked": {Unlocked: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			write(t, path, "one", o)
			write(t, path, "two", o)
			wantDirectory(t, dir, map[string]string{"f": "two"})
			o.Backup = true
			write(t, path, "three", o)
			write(t, path, "four", o)
			wantDirectory(t, dir, map[string]string{"f": "four", "f.bak": "three"})
		})
	}
}

// Files left by a crash are replaced.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "one", Options{})
	for _, left := range []string{"f.new", "f.bak.new"} {
		if err := os.WriteFile(filepath.Join(dir, left), []byte("half"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path, "two", Options{Backup: true})
	wantDirectory(t, dir, map[string]string{"f": "two", "f.bak": "one"})
}

func TestFailures(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(dir, "none", "f")} {
		var failed *fs.PathError
		if err := Write(path, nil, Options{}); !errors.As(err, &failed) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v; want only f", entries, err)
	}
}

func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such modes on Windows")
	}
	path := filepath.Join(t.TempDir(), "f")
	for _, step := range []struct {
		o    Options
		want fs.FileMode
	}{{Options{}, 0o600}, {Options{Mode: 0o640}, 0o640}, {Options{}, 0o640}, {Options{Mode: 0o400}, 0o400}, {Options{Backup: true}, 0o400}} {
		write(t, path, "", step.o)
		info, err := os.Stat(path)
		if err != nil || info.Mode() != step.want {
			t.Errorf("after %+v: %v, %v; want %v", step.o, info.Mode(), err, step.want)
		}
	}
}

// A reader finds one of the contents, complete.
func TestReadersFindAWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	contents := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<15)}
	write(t, path, string(contents[0]), Options{})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := Read(path)
				if err != nil || !slices.ContainsFunc(contents, func(c []byte) bool { return bytes.Equal(c, got) }) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	for i := range 200 {
		write(t, path, string(contents[i%2]), Options{Backup: i%3 == 0, Volatile: true})
	}
	close(done)
	readers.Wait()
}
