package output

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// Terminal writes messages and the stream of a [Mux] to a terminal line by line,
// without a screen. It passes only text, colours and links, so that a name or line
// quoted in a message cannot change the terminal's modes. Only one goroutine may
// use it at a time, such as a Mux that holds its lock.
type Terminal struct{ w io.Writer }

// NewTerminal returns a Terminal that writes to w.
func NewTerminal(w io.Writer) Terminal { return Terminal{w} }

// Write writes text that devports has composed. Control characters appear as \x1b,
// except in colours and links, which end with their line.
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

// appendVisible appends a line, with or without its newline.
func appendVisible(dst, line []byte) []byte {
	colored, linked := false, false
	for n := 0; len(line) > 0; line = line[n:] {
		n = 1
		switch b := line[0]; {
		case printableASCII[b]:
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

// Stream returns the writer for a Mux whose [Style] is Printable. A carriage return
// at the start of a write erases the unfinished line.
func (t Terminal) Stream() io.Writer { return lines(t) }

type lines Terminal

// rewrite erases the row of the cursor.
const rewrite = "\r\x1b[K"

func (l lines) Write(block []byte) (int, error) {
	if len(block) == 0 || block[0] != '\r' {
		return l.w.Write(block)
	}
	n, err := l.w.Write(append([]byte(rewrite), block[1:]...))
	return max(n-len(rewrite)+1, 0), err
}

// Printable returns a line, given without its newline, as it looks on a terminal
// after it has been written.
func Printable(line string) string {
	shown, _ := appendPrintable(nil, []byte(line))
	return string(shown)
}
