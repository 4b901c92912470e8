package output

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// holds returns how much a pipe holds.
func holds(t *testing.T, f *os.File) int {
	t.Helper()
	n, err := unix.FcntlInt(f.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The pipes of a flood are widened, those of a quiet service are not.
func TestWiden(t *testing.T) {
	read, out := pipe(t)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			if _, err := read.Read(buf); err != nil {
				return
			}
		}
	}()
	m := New(out, Style{})
	quiet, busy := copying(t, m, "quiet"), copying(t, m, "busy")
	small := holds(t, quiet)
	write(t, quiet, "one\n")
	for range 100 {
		write(t, busy, strings.Repeat(strings.Repeat("x", 99)+"\n", 10_000))
	}
	if n := holds(t, quiet); n != small {
		t.Errorf("the quiet service's pipe holds %d bytes instead of %d", n, small)
	}
	if n := holds(t, busy); n != wideInput {
		t.Errorf("the busy service's pipe holds %d bytes", n)
	}
	if n := holds(t, out); n != wideOutput {
		t.Errorf("the output's pipe holds %d bytes", n)
	}
	quiet.Close()
	busy.Close()
	closeMux(t, m)
	if n := m.wideInputs.Load(); n != 0 {
		t.Errorf("%d services still count as having a wide pipe", n)
	}
}
