package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// refusing returns o, with an error for directories whose name begins with name.
func refusing(o options, name string, err error) options {
	o.add = func(w *queue, directory string) error {
		if strings.HasPrefix(filepath.Base(directory), name) {
			return err
		}
		return w.Add(directory)
	}
	return o
}

func TestLimitError(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		syscall.ENOSPC: "fs.inotify.max_user_watches=",
		syscall.EMFILE: "fs.inotify.max_user_instances=",
	} {
		limit := newLimitError("/a", fmt.Errorf("add: %w", err))
		if runtime.GOOS != "linux" {
			want = ""
		}
		if limit == nil || !strings.HasPrefix(limit.Setting, want) || limit.Directory != "/a" || !errors.Is(limit, err) {
			t.Errorf("%v: %#v", err, limit)
		}
	}
	for _, err := range []error{nil, fs.ErrNotExist, syscall.EACCES} {
		if limit := newLimitError("/a", err); limit != nil {
			t.Errorf("%v: %#v", err, limit)
		}
	}
}

// The first directory beyond the limit is reported once; others are still watched.
func TestOtherDirectoriesAreWatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/x.go": "", "full1/sub/x.go": "", "full2/x.go": "", "z/x.go": ""})
	w := watch(t, refusing(slow, "full", syscall.ENOSPC), dir, sets{"s": "**/*.go"})
	c := next(t, w)
	var limit *LimitError
	if !errors.As(c.Err, &limit) || filepath.Base(limit.Directory) != "full1" || c.Sets != nil {
		t.Errorf("got %+v", c)
	}
	write(t, dir, "full1/sub/x.go")
	write(t, dir, "z/x.go")
	expect(t, w, "s:z/x.go")
	write(t, dir, "full3/x.go")
	write(t, dir, "full1/.gitignore")
	write(t, dir, ".gitignore")
	write(t, dir, "a/x.go")
	expect(t, w, "s:a/x.go")
}

func TestDirectoriesThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"shut/x.go": ""})
	w := watch(t, refusing(slow, "shut", syscall.EACCES), dir, sets{"s": "**/*.go"})
	var failed *fs.PathError
	if err := next(t, w).Err; !errors.As(err, &failed) || filepath.Base(failed.Path) != "shut" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
	write(t, dir, "shut2/x.go")
	write(t, dir, "x.go")
	c := next(t, w)
	if !errors.As(c.Err, &failed) || filepath.Base(failed.Path) != "shut2" || text(c) != "s:x.go" {
		t.Errorf("got %+v", c)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"file": ""})
	good := map[string][]string{"api": {"*"}}
	if _, err := NewTree(dir, map[string][]string{"api": {"*.go", "../x"}}); err == nil || !strings.HasPrefix(err.Error(), `api: pattern "../x" has ".."`) {
		t.Errorf("pattern: %v", err)
	}
	if _, err := NewTree(filepath.Join(dir, "none"), good); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := NewTree(filepath.Join(dir, "file"), good); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	var limit *LimitError
	if w, err := newTreeWatcher(dir, good, refusing(slow, filepath.Base(dir), syscall.ENOSPC)); !errors.As(err, &limit) || w != nil {
		t.Errorf("limit: %v", err)
	}
}
