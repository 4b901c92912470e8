package output

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// chunks is a source with reads of the lengths in cuts. The highest bit of a length
// means that the deadline expires before that read. After cuts, reads fill their
// buffer.
type chunks struct{ data, cuts []byte }

func (c *chunks) SetReadDeadline(time.Time) error { return nil }

func (c *chunks) Read(p []byte) (int, error) {
	n := len(c.data)
	if len(c.cuts) > 0 {
		if c.cuts[0]&0x80 != 0 {
			c.cuts[0] &^= 0x80
			return 0, os.ErrDeadlineExceeded
		}
		n = min(n, int(c.cuts[0]))
		c.cuts = c.cuts[1:]
	}
	n = copy(p, c.data[:n])
	c.data = c.data[n:]
	if len(c.data) == 0 {
		return n, io.EOF // with the last bytes, as a Reader may
	}
	return n, nil
}

// FuzzCopy checks that output is written byte for byte, however reads split it and
// whenever the prompt timer fires, with two exceptions: "\r\n" becomes "\n", and an
// unfinished last line gets a newline. Prefixes are at the start of each line, and
// nowhere else.
func FuzzCopy(f *testing.F) {
	f.Add([]byte("one\r\ntwo\r\r\n\rthree\r"), uint16(1), []byte{4, 0x81, 1, 0x80, 3, 0x85, 1, 1, 1, 0x81})
	f.Add([]byte("\xff\x00\n\n\xc3"), uint16(2), []byte{1, 1, 1})
	f.Add([]byte("password: \nok\n"), uint16(3), []byte{10, 0x81})
	f.Add([]byte("0123456789\r"), uint16(20_000), []byte{127, 127, 0x80})
	f.Add([]byte("\r\n"), uint16(50_000), []byte{1, 0x80, 0x81})
	f.Fuzz(func(t *testing.T, data []byte, times uint16, cuts []byte) {
		if len(data) > 0 { // a few buffers are enough
			data = bytes.Repeat(data, min(int(times), 1+5*maxBuffer/len(data)))
		}
		want := strings.ReplaceAll(string(data), "\r\n", "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if got := copied(t, Style{NoPrefix: true}, data, cuts); got != want {
			t.Errorf("got %.200q, want %.200q", got, want)
		}
		var prefixed strings.Builder
		for line := range strings.Lines(want) {
			prefixed.WriteString("web      | " + line)
		}
		if got := copied(t, Style{}, data, cuts); got != prefixed.String() {
			t.Errorf("with prefixes: got %.200q, want %.200q", got, prefixed.String())
		}
	})
}

func copied(t *testing.T, style Style, data, cuts []byte) string {
	var out paper
	m := New(&out, style)
	m.Stream("web").Copy(&chunks{data, bytes.Clone(cuts)})
	closeMux(t, m)
	return out.String()
}
