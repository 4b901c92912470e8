package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRotating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "run.log")
	const limit, lines = 1000, 1000
	r, err := openRotating(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if i == lines/2 { // another run continues the file
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if r, err = openRotating(path, limit); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fmt.Fprintf(r, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for i := RotateKeep; i >= 0; i-- {
		name := path
		if i > 0 {
			name = r.older(i)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > limit {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		all.Write(text)
	}
	n := strings.Count(all.String(), "\n")
	want := ""
	for i := lines - n; i < lines; i++ {
		want += fmt.Sprintf("line %d\n", i)
	}
	if all.String() != want || n < 3*limit/len("line 999\n") {
		t.Errorf("the last %d lines are not in order:\n%s", n, all.String())
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != RotateKeep+1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// Lines that do not fit on a full disk are dropped and counted; the log continues
// when there is space, which is tried every 10 s.
func TestRotatingFull(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "run.log")
		if err := os.Symlink(full, path); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRotating(path)
		if err != nil {
			t.Fatal(err)
		}
		write := func(text string) {
			t.Helper()
			if n, err := r.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}
		read := func() string {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		write("a\nb\n")
		time.Sleep(retryDelay)
		write("c\n") // still full
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(retryDelay - time.Nanosecond)
		write("d\n") // before the next attempt
		time.Sleep(time.Nanosecond)
		write("e\n")
		write("f\n")
		want := "devports: 4 lines are missing here: no space left on device\ne\nf\n"
		if got := read(); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}

		// Close is an attempt, too.
		if err := errors.Join(os.Remove(path), os.Symlink(full, path)); err != nil {
			t.Fatal(err)
		}
		if r, err = OpenRotating(path); err != nil {
			t.Fatal(err)
		}
		write("a\n")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if got := read(); got != "devports: 1 line is missing here: no space left on device\n" {
			t.Errorf("it is %q", got)
		}
	})
}
