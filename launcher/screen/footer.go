package screen

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

// Footer passes the output of a program to a terminal, and keeps one row below
// it, by a scrolling region that ends above the row. The program's terminal must
// be a row smaller. A program that draws on the row, or erases it, does so until
// the row is drawn again: at once after the usual sequences, else by
// [Footer.Show].
type Footer struct {
	w    io.Writer
	size func() terminal.Size

	mu     sync.Mutex // guards the fields below
	row    Row
	held   []byte    // the beginning of a sequence or of a character
	erased bool      // the row is to be drawn
	saved  time.Time // when the program saved the cursor, if it has not restored it
}

const (
	// maxHeld is the length of a sequence that is not waited for to end.
	maxHeld = 4 << 10

	// saveTime is how long a program that has saved the cursor may keep the row
	// from being drawn, which saves it, too.
	saveTime = time.Second
)

// Sequences that a Footer sends: save and restore the cursor.
const save, restore = "\x1b7", "\x1b8"

// NewFooter reserves the last row of a terminal for row. The cursor must be in
// an empty row.
func NewFooter(w io.Writer, size func() terminal.Size, row Row) *Footer {
	f := &Footer{w: w, size: size, row: row}
	f.Resize()
	return f
}

// Resize reserves the last row again, after a change of the terminal's size.
func (f *Footer) Resize() {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out bytes.Buffer
	out.WriteString(save + "\x1b[r" + restore) // otherwise a cursor in the last row would stay there
	out.WriteString("\n\x1b[A" + save)
	out.WriteString(f.region() + restore)
	f.draw(&out)
	_, _ = f.w.Write(out.Bytes())
}

// region is the sequence that sets the scrolling region. It moves the cursor.
func (f *Footer) region() string { return fmt.Sprintf("\x1b[1;%dr", max(f.size().Rows-1, 1)) }

// Show replaces the row and draws it, unless the terminal accepts no output at
// present.
func (f *Footer) Show(row Row) {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	f.row, f.erased = row, true
	var out bytes.Buffer
	f.drawIfDue(&out)
	_, _ = f.w.Write(out.Bytes())
}

// Write writes output of the program. It holds an incomplete sequence back until
// the rest comes, so that the row is not drawn within it.
func (f *Footer) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := append(f.held, p...)
	var out bytes.Buffer
	for len(b) > 0 {
		n := unitLength(b)
		if n == 0 && len(b) < maxHeld {
			break
		}
		if n == 0 {
			n = len(b)
		}
		f.pass(&out, b[:n])
		b = b[n:]
	}
	f.held = bytes.Clone(b)
	f.drawIfDue(&out)
	if _, err := f.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// pass writes a sequence or a run of text, and records what it does to the row.
func (f *Footer) pass(out *bytes.Buffer, unit []byte) {
	if unit[0] != '\x1b' {
		out.Write(unit)
		return
	}
	final := unit[len(unit)-1]
	csi := len(unit) > 2 && unit[1] == '['
	switch {
	case string(unit) == save, string(unit) == "\x1b[s":
		f.saved = time.Now()
	case string(unit) == restore, string(unit) == "\x1b[u":
		f.saved = time.Time{}
	case csi && final == 'r' && isWholeScreen(unit, f.size().Rows):
		out.WriteString(f.region())
		return
	case string(unit) == "\x1bc", csi && final == 'p' && bytes.Contains(unit, []byte{'!'}): // reset
		out.Write(unit)
		out.WriteString(save + f.region() + restore)
		f.erased, f.saved = true, time.Time{}
		return
	case csi && final == 'J', csi && (final == 'h' || final == 'l') && bytes.HasPrefix(unit, []byte("\x1b[?")):
		f.erased = true // erase, another screen
	}
	out.Write(unit)
}

// isWholeScreen reports whether a sequence sets the scrolling region to all of
// a terminal's rows.
func isWholeScreen(unit []byte, rows int) bool {
	top, bottom, _ := strings.Cut(string(unit[2:len(unit)-1]), ";")
	last, err := strconv.Atoi(bottom)
	return (top == "" || top == "0" || top == "1") && (bottom == "" || err == nil && (last == 0 || last >= rows))
}

func (f *Footer) drawIfDue(out *bytes.Buffer) {
	if f.erased && len(f.held) == 0 && (f.saved.IsZero() || time.Since(f.saved) >= saveTime) {
		f.draw(out)
	}
}

// draw draws the row, and leaves cursor, colours, origin mode and character set
// as they are.
func (f *Footer) draw(out *bytes.Buffer) {
	f.erased = false
	size := f.size()
	fmt.Fprintf(out, "%s\x1b[?6l\x1b[0m\x1b(B\x0f\x1b[%d;1H\x1b[2K", save, size.Rows)
	f.row.cut(size.Columns - 1).write(out)
	out.WriteString(restore)
}

// Close removes the row, and leaves the terminal to the caller with the modes
// that the program has set.
func (f *Footer) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(f.w, "%s%s\x1b[?6l\x1b[%d;1H\x1b[0m\x1b[2K%s%s\x1b[r%s", f.held, save, f.size().Rows, restore, save, restore)
	f.held = nil
}

// unitLength returns the length of the sequence, or of the text without control
// sequences, that b begins with; 0 if it is incomplete.
func unitLength(b []byte) int {
	if b[0] != '\x1b' {
		if n := bytes.IndexByte(b, '\x1b'); n >= 0 {
			return n
		}
		return len(b) - incompleteRune(b)
	}
	if len(b) == 1 {
		return 0
	}
	switch b[1] {
	case '[': // CSI: until a final byte
		for i := 2; i < len(b); i++ {
			if b[i] >= '@' && b[i] <= '~' || b[i] < ' ' {
				return i + 1
			}
		}
		return 0
	case ']', 'P', 'X', '^', '_': // a string, until BEL or ST
		for i := 2; i < len(b); i++ {
			if b[i] == '\a' {
				return i + 1
			}
			if b[i] == '\x1b' && i+1 < len(b) {
				return i + 2
			}
		}
		return 0
	}
	for i := 1; i < len(b); i++ { // intermediate bytes, and a final one
		if b[i] < ' ' || b[i] > '/' {
			return i + 1
		}
	}
	return 0
}

// incompleteRune returns how many bytes at the end of b begin a character that
// is not complete.
func incompleteRune(b []byte) int {
	for i := 1; i <= min(3, len(b)); i++ {
		switch c := b[len(b)-i]; {
		case c < 0x80:
			return 0
		case c >= 0xf0 && i < 4, c >= 0xe0 && c < 0xf0 && i < 3, c >= 0xc0 && c < 0xe0 && i < 2:
			return i
		case c >= 0xc0:
			return 0
		}
	}
	return 0
}
