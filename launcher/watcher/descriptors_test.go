package watcher

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLoadOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files, limit int
		want         Load
	}{
		{0, 256, Light},
		{64, 256, Light},
		{65, 256, Heavy},
		{128, 256, Heavy},
		{129, 256, TooMuch},
		{2560, 10240, Light},
		{5121, 10240, TooMuch},
		{1000000, 0, Light}, // nothing is opened
	} {
		if got := LoadOf(tt.files, tt.limit); got != tt.want {
			t.Errorf("%d files of %d: %v, want %v", tt.files, tt.limit, got, tt.want)
		}
		if tt.limit > 0 && LoadOf(tt.files, LimitFor(tt.files)) != Light {
			t.Errorf("%d files are too many with the limit %d", tt.files, LimitFor(tt.files))
		}
	}
	if got := LimitFor(5121); got != 32768 {
		t.Errorf("a limit for 5121 files: %d", got)
	}
}

func limited(o options, limit int) (options, *descriptors) {
	o.files = &descriptors{limit: func() int { return limit }}
	return o, o.files
}

// The directories beyond the limit are not watched, and the first is reported;
// those before it are, and so is one for which a removed directory makes room.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := map[string]string{"a/x.go": "", "z/x.go": ""}
	for i := range 30 {
		tree[fmt.Sprintf("many/f%d.go", i)] = ""
	}
	files(t, dir, tree)
	o, opened := limited(slow, 40) // so that 20 may be opened
	w := watch(t, o, dir, sets{"s": "**/*.go"})
	c := next(t, w)
	var limit *LimitError
	var many *filesError
	if !errors.As(c.Err, &limit) || filepath.Base(limit.Directory) != "many" || !errors.As(c.Err, &many) || many.limit != 40 || many.files != 34 {
		t.Fatalf("got %+v", c)
	}
	want := "many: the limit of watched directories is reached: that would open 34 files, of at most 20 (use narrower watch patterns, or raise the limit: "
	if !strings.Contains(limit.Error(), want) {
		t.Errorf("the message is %q", limit)
	}
	if opened.total != 3+1+1 {
		t.Errorf("counted %d open files", opened.total)
	}
	write(t, dir, "z/x.go")
	expect(t, w, "s:z/x.go")
	must(t, w.Close())
	if opened.total != 0 {
		t.Errorf("after Close, %d open files are counted", opened.total)
	}
}

func TestDescriptorsOfList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"a/.env": "", "b/.env": "", "b/y": ""})
	o, opened := limited(slow, 100)
	q, err := newQueue(o.files)
	must(t, err)
	defer q.Close()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for range 3 { // as Watcher does after each event
		must(t, q.Add(a))
	}
	must(t, q.Add(b))
	if opened.total != 3 {
		t.Errorf("counted %d open files", opened.total)
	}
	must(t, q.Remove(b))
	if opened.total != 1 {
		t.Errorf("after Remove, %d open files are counted", opened.total)
	}
	if err := q.Add(filepath.Join(dir, "none")); err == nil || opened.total != 1 {
		t.Errorf("a missing folder: %v, %d open files", err, opened.total)
	}
}

func TestFileLimit(t *testing.T) {
	t.Parallel()
	limit := fileLimit()
	if opens := runtime.GOOS == "darwin"; (limit >= 256) != opens || (limit == 0) == opens {
		t.Errorf("the limit is %d", limit)
	}
}
