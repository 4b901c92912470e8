package logstore

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/devports/devports/launcher/output"
)

// TestNothingLost has four services print as fast as they can, in blocks and by
// lines: the disk keeps up, so each line is recorded.
func TestNothingLost(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	m := output.New(null, output.Style{}, "0", "1", "2", "3")
	m.Record(func(name string) output.Recording { return r.Stream(name) })
	lines := [4]int{60_000, 60_000, 20_000, 2_000} // less than a service keeps
	atOnce := [4]int{1000, 700, 20, 1}
	var writers sync.WaitGroup
	for i := range lines {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go m.Stream(strconv.Itoa(i)).Copy(io.Reader(read))
		writers.Go(func() {
			defer write.Close()
			filler := bytes.Repeat([]byte{'x'}, 50)
			var block []byte
			for n := range lines[i] {
				block = append(strconv.AppendInt(append(block, filler[:n%50]...), int64(n), 10), '\n')
				if n%atOnce[i] == atOnce[i]-1 || n == lines[i]-1 {
					if _, err := write.Write(block); err != nil {
						t.Error(err)
					}
					block = block[:0]
				}
			}
		})
	}
	writers.Wait()
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	end(t, r)
	next := map[string]int{}
	for _, l := range read(t, latest(t, s, "a"), Query{Last: -1}) {
		if l.Missed > 0 {
			t.Fatalf("%s: %d lines are missing: %s", l.Service, l.Missed, l.Text)
		}
		n := next[l.Service]
		if l.Text != strings.Repeat("x", n%50)+strconv.Itoa(n) {
			t.Fatalf("%s: line %d is %q", l.Service, n, l.Text)
		}
		next[l.Service]++
	}
	for i, want := range lines {
		if n := next[strconv.Itoa(i)]; n != want {
			t.Errorf("%d: %d lines instead of %d", i, n, want)
		}
	}
}
