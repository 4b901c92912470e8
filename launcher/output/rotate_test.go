package output

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRotating(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "run.log")
	const limit, lines = 1000, 1000
	r, err := openRotating(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if i == lines/2 { // another run goes on with it
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
