package output

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// Terminal is a terminal to which messages and the stream of a [Mux] are
// written line by line, without a screen. Only text, colours and links pass:
// whatever name or line a message quotes, the terminal stays as it is. It is
// for one goroutine, or for what a Mux guards.
type Terminal struct{ w io.Writer }

// NewTerminal returns a Terminal that writes to w.
func NewTerminal(w io.Writer) Terminal { return Terminal{w} }

// Write writes text that devports has composed. Control characters in it, but
// for those of colours and links, appear as \x1b. Colours and links end with
// their line.
func (t Terminal) Write(text []byte) (int, error) {
	out := make([]byte, 0, len(text)+len(sgrReset))
	for line := range bytes.Lines(text) {
		out = appendVisible(out, line)
	}
	if _, err := t.w.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// appendVisible appends a line, perhaps with its newline.
func appendVisible(dst, line []byte) []byte {
	colored, linked := false, false
	for n := 0; len(line) > 0; line = line[n:] {
		n = 1
		switch b := line[0]; {
		case harmless[b]:
			dst = append(dst, b)
		case b == '\n':
			dst = append(endStyles(dst, colored, linked), b)
			colored, linked = false, false
		case b >= utf8.RuneSelf:
			dst, n = appendRune(dst, line)
		default:
			sequence := line[:sequenceLength(line)]
			switch {
			case isColor(sequence):
				colored = string(sequence) != sgrReset
			case isLink(sequence):
				linked = string(sequence) != linkEnd
			default:
				dst = fmt.Appendf(dst, `\x%02x`, b)
				continue
			}
			dst, n = append(dst, sequence...), len(sequence)
		}
	}
	return endStyles(dst, colored, linked)
}

// Stream is where a Mux writes to the terminal. It takes what a Mux of a
// [Style] that is Printable writes, where a carriage return takes back the
// unfinished line.
func (t Terminal) Stream() io.Writer { return lines(t) }

type lines Terminal

// rewrite begins the row of the cursor again.
const rewrite = "\r\x1b[K"

func (l lines) Write(block []byte) (int, error) {
	if len(block) == 0 || block[0] != '\r' {
		return l.w.Write(block)
	}
	n, err := l.w.Write(append([]byte(rewrite), block[1:]...))
	return max(n-len(rewrite)+1, 0), err
}

// Printable is a line, without its newline, as it looks on a terminal when it
// has been written.
func Printable(line string) string {
	shown, _ := appendPrintable(nil, []byte(line))
	return string(shown)
}
