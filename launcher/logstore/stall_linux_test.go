package logstore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stall makes the file of a service's first segment block those who open it for
// writing, like a disk that does not respond, until respond is called.
func stall(t *testing.T, r Run, service string) (respond func()) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.path, segmentName(service, 1)), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		f.Close()
		t.Skip("no leases:", err)
	}
	return func() { f.Close() }
}

// numbered appends so many lines and returns the number of the next one.
func numbered(st *Stream, from, lines int) int {
	var block []byte
	for n := range lines {
		block = fmt.Appendf(block, "%099d\n", from+n)
		if len(block) >= 64<<10 || n == lines-1 {
			st.Append(block)
			block = block[:0]
		}
	}
	return from + lines
}

// TestStall floods while the disk does not respond for a moment: nothing is lost,
// and memory stays limited.
func TestStall(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	respond := stall(t, latest(t, s, "a"), "web")
	time.AfterFunc(maxWait/5, respond)
	lines := numbered(r.Stream("web"), 0, 3*maxPending/100)
	end(t, r)
	for i, l := range read(t, latest(t, s, "a"), Query{Last: -1}) {
		if lines--; l.Text != fmt.Sprintf("%099d", i) || l.Missed > 0 {
			t.Fatalf("line %d is %q, %d are missing", i, l.Text, l.Missed)
		}
	}
	if lines != 0 {
		t.Errorf("%d lines are missing at the end", lines)
	}
}

// TestLongStall floods while the disk does not respond: printing goes on, and gaps
// have the number of lines that are missing.
func TestLongStall(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	respond := stall(t, latest(t, s, "a"), "web")
	st := r.Stream("web")
	lines := numbered(st, 0, 3*maxPending/100)
	st.Append(bytes.Repeat([]byte{'\n'}, 10*maxPending)) // more than is ever pending
	lines += 10 * maxPending
	respond()
	settled(t, r, latest(t, s, "a"))
	last := numbered(st, lines, 1000)
	end(t, r)
	next, missed := 0, int64(0)
	for _, l := range read(t, latest(t, s, "a"), Query{Last: -1}) {
		switch {
		case l.Missed > 0 && l.Text == "the disk was too slow":
			missed += l.Missed
			next += int(l.Missed)
		case l.Text != fmt.Sprintf("%099d", next):
			t.Fatalf("line %d is %q, %d are missing", next, l.Text, l.Missed)
		default:
			next++
		}
	}
	if next != last || missed < 10*maxPending {
		t.Errorf("%d lines of %d, %d of them missing", next, last, missed)
	}
}
