package output

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Colours end with the line that they are in.
const (
	sgrReset = "\x1b[0m"
	linkEnd  = "\x1b]8;;\x1b\\"
)

// printableASCII is true for ASCII without control characters, and the tab.
var printableASCII = func() (table [256]bool) {
	for b := range table {
		table[b] = b >= ' ' && b < 0x7f || b == '\t'
	}
	return table
}()

// appendPrintable appends a line, given without its newline, as it looks on a
// terminal after it has been written. It leaves out text that a carriage return
// overwrites, and all control characters and escape sequences but colours and
// links, so that nothing moves the cursor or changes the terminal's modes. C1
// control characters and invalid UTF-8 appear as \x9b. For the sequences, see
// ECMA-48, sections 5.4 and 8.3.
//
// returned reports whether there was a carriage return, which overwrites what is
// already on the line.
func appendPrintable(dst, line []byte) (_ []byte, returned bool) {
	line = bytes.TrimRight(line, "\r")
	start, colored, linked := len(dst), false, false
	for len(line) > 0 {
		n := printablePrefix(line)
		dst, line = append(dst, line[:n]...), line[n:]
		if len(line) == 0 {
			break
		}
		if line[0] >= utf8.RuneSelf {
			dst, n = appendRune(dst, line)
			line = line[n:]
			continue
		}
		sequence := line[:sequenceLength(line)]
		line = line[len(sequence):]
		switch {
		case isColor(sequence):
			dst, colored = append(dst, sequence...), string(sequence) != sgrReset
		case isLink(sequence):
			dst, linked = append(dst, sequence...), true
		case isReturn(sequence):
			dst, colored, linked, returned = dst[:start], false, false, true
		}
	}
	return endStyles(dst, colored, linked), returned
}

// endStyles ends a link and colours.
func endStyles(dst []byte, colored, linked bool) []byte {
	if linked {
		dst = append(dst, linkEnd...)
	}
	if colored {
		dst = append(dst, sgrReset...)
	}
	return dst
}

// movesNothing reports whether b is without the characters that move the cursor,
// change the character set or begin a control sequence. It is much faster than a
// look at each line. 0xc2 begins the C1 control characters, and some letters.
func movesNothing(b []byte) bool {
	for _, c := range [...]byte{'\x1b', '\r', '\b', '\x0e', 0xc2} {
		if bytes.IndexByte(b, c) >= 0 {
			return false
		}
	}
	return true
}

// isPrintableASCII reports whether a line consists of printable ASCII without tabs.
// It reads eight bytes at a time, because floods pass through it.
func isPrintableASCII(line []byte) bool {
	if len(line) < 8 {
		return printablePrefix(line) == len(line) && bytes.IndexByte(line, '\t') < 0
	}
	for rest := line; len(rest) > 8; rest = rest[8:] {
		if !arePrintable(binary.LittleEndian.Uint64(rest)) {
			return false
		}
	}
	return arePrintable(binary.LittleEndian.Uint64(line[len(line)-8:]))
}

// arePrintable reports whether eight bytes are printable ASCII.
func arePrintable(x uint64) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	control := x - ones*' '     // borrows from a byte below ' '
	del := x ^ ones*0x7f - ones // borrows from a byte that is 0x7f
	return (x|control|del)&high == 0
}

// printablePrefix returns the length of the printable ASCII text that b begins
// with.
func printablePrefix(b []byte) (n int) {
	for n < len(b) && printableASCII[b[n]] {
		n++
	}
	return n
}

// appendRune appends the first character of b, which is not ASCII, and returns its
// length. It appends an unprintable one as an escape of Go.
func appendRune(dst, b []byte) (_ []byte, n int) {
	r, n := utf8.DecodeRune(b)
	if n == 1 { // invalid UTF-8
		return fmt.Appendf(dst, `\x%02x`, b[0]), 1
	}
	if r < 0xa0 { // C1
		return fmt.Appendf(dst, `\x%02x`, r), n
	}
	return append(dst, b[:n]...), n
}

// sequenceLength returns the length of the control character or escape sequence
// that b begins with; all of b if the end of b cuts it off.
func sequenceLength(b []byte) int {
	if b[0] != '\x1b' || len(b) == 1 {
		return 1
	}
	switch b[1] {
	case '[': // CSI: parameters and intermediate bytes, then a final one
		return 2 + final(b[2:], ' ', '?')
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC: a string
		for i := 2; i < len(b); i++ {
			if b[i] == '\a' {
				return i + 1
			}
			if b[i] == '\x1b' && i+1 < len(b) && b[i+1] == '\\' {
				return i + 2
			}
		}
		return len(b)
	}
	return 1 + final(b[1:], ' ', '/')
}

// final returns the length of the bytes from low to high at the beginning of b,
// with the byte after them.
func final(b []byte, low, high byte) int {
	for i, c := range b {
		if c < low || c > high {
			return i + 1
		}
	}
	return len(b)
}

// isColor reports whether a sequence is SGR, which sets colours and styles. One
// with a private parameter, such as "\x1b[>4;2m", is not.
func isColor(s []byte) bool {
	if len(s) < 3 || s[0] != '\x1b' || s[1] != '[' || s[len(s)-1] != 'm' {
		return false
	}
	for _, c := range s[2 : len(s)-1] {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return true
}

// isLink reports whether a sequence begins or ends a link as many terminals
// support it: OSC 8 ; parameters ; URI ST.
func isLink(s []byte) bool {
	inside, ok := bytes.CutPrefix(s, []byte("\x1b]8;"))
	inside, short := bytes.CutSuffix(inside, []byte{'\a'})
	inside, long := bytes.CutSuffix(inside, []byte("\x1b\\"))
	return ok && (short || long) && !bytes.ContainsFunc(inside, unicode.IsControl)
}

// isReturn reports whether a sequence moves the cursor to the first column.
func isReturn(s []byte) bool {
	return string(s) == "\r" || string(s) == "\x1b[G" || string(s) == "\x1b[1G"
}
