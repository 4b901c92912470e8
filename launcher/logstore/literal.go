package logstore

import (
	"bytes"
	"regexp/syntax"
	"strings"
)

// maxLiterals is the maximum number of literals to search for at once.
const maxLiterals = 8

// literal is a text to search for.
type literal struct {
	text []byte // in lower case if fold
	fold bool   // in any case
	rare int    // index of the byte to look for first
}

// needed returns literals of which every match contains one; none if that is not
// known. Of several such lists it returns the one whose shortest literal is the
// longest.
func needed(re *syntax.Regexp) (literals []literal) {
	switch re.Op {
	case syntax.OpLiteral:
		if l, ok := newLiteral(string(re.Rune), re.Flags&syntax.FoldCase != 0); ok {
			literals = []literal{l}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if those := needed(sub); shortest(those) > shortest(literals) {
				literals = those
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			those := needed(sub)
			if literals = append(literals, those...); len(those) == 0 || len(literals) > maxLiterals {
				return nil
			}
		}
	}
	return literals
}

// shortest is the length of the shortest literal; 0 if there is none.
func shortest(literals []literal) (n int) {
	for i, l := range literals {
		if i == 0 || len(l.text) < n {
			n = len(l.text)
		}
	}
	return n
}

// newLiteral returns the part of a text that can be searched for. ok is false if
// there is none.
func newLiteral(text string, fold bool) (l literal, ok bool) {
	if fold {
		text = strings.ToLower(longestASCII(text))
	}
	if text == "" || strings.ContainsAny(text, "\r\n\x1b\ufffd") { // U+FFFD also matches invalid UTF-8
		return l, false
	}
	l = literal{text: []byte(text), fold: fold}
	return l.tuned(&defaultCounts), true
}

// longestASCII returns the longest ASCII part of a text. The two cases of other
// characters may differ in length.
func longestASCII(text string) (longest string) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// defaultCounts are relative frequencies of bytes in logs, for use without a
// sample.
var defaultCounts = func() (counts [256]int) {
	const byFrequency = " etaoinsrhl0123456789-:./=dcumfpgwybvkxjqz"
	for i, b := range []byte(byFrequency) {
		counts[b] = len(byFrequency) - i
	}
	return counts
}()

// tuned returns l with the byte that is the rarest according to counts.
func (l literal) tuned(counts *[256]int) literal {
	fewest := -1
	for i, b := range l.text {
		n := counts[b]
		if l.fold && upper(b) != b {
			n += counts[upper(b)]
		}
		if fewest < 0 || n < fewest {
			l.rare, fewest = i, n
		}
	}
	return l
}

// upper is the upper case of an ASCII letter, else b.
func upper(b byte) byte {
	if b >= 'a' && b <= 'z' {
		return b - 'a' + 'A'
	}
	return b
}

// index returns the position in text of the rarest byte of the first line that has
// the literal, perhaps with control sequences in it, or -1. It may find it where
// it is not, next to a control sequence. colored is false if there is none.
func (l literal) index(text []byte, colored bool) int {
	low := l.text[l.rare]
	up := low
	if l.fold {
		up = upper(low)
	}
	next := [2]int{-1, -1} // of low and up; len(text) for none
	tries := 0
	for at := 0; at < len(text); at++ {
		for i, b := range [2]byte{low, up} {
			if next[i] < at && (i == 0 || up != low) {
				if n := bytes.IndexByte(text[at:], b); n >= 0 {
					next[i] = at + n
				} else {
					next[i] = len(text)
				}
			}
		}
		if at = next[0]; up != low {
			at = min(at, next[1])
		}
		if at == len(text) {
			break
		}
		if start := at - l.rare; colored || l.fold {
			if l.at(text, at) {
				return at
			}
		} else if start >= 0 && bytes.HasPrefix(text[start:], l.text) {
			return at
		}
		if tries++; tries > 8+at/16 && !l.fold && !colored { // it is not rare here
			from := max(0, at-l.rare+1)
			if n := bytes.Index(text[from:], l.text); n >= 0 {
				return from + n + l.rare
			}
			break
		}
	}
	return -1
}

// at reports whether the literal may be around the position of its rarest byte.
func (l literal) at(text []byte, position int) bool {
	for i, b := range l.text[l.rare+1:] {
		j := position + 1 + i
		if j >= len(text) {
			return false
		}
		if !l.same(text[j], b) {
			return text[j] == escape // a control sequence may be in between
		}
	}
	for i := l.rare - 1; i >= 0; i-- {
		j := position - l.rare + i
		if j < 0 {
			return false
		}
		if !l.same(text[j], l.text[i]) {
			return inSequence(text, j)
		}
	}
	return true
}

// same reports whether a byte of the text is one of the literal.
func (l literal) same(c, b byte) bool {
	if l.fold && c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c == b
}

// inSequence reports whether the byte at a position may belong to a control
// sequence.
func inSequence(text []byte, i int) bool {
	if text[i] >= 0x40 && text[i] <= 0x7e { // may be the last one, or the bracket
		i--
	}
	for i >= 0 && text[i] >= 0x20 && text[i] <= 0x3f {
		i--
	}
	return i >= 0 && text[i] == escape || i > 0 && text[i] == '[' && text[i-1] == escape
}

// Characters that are k and s in another case.
var kelvin, longS = []byte("\u212a"), []byte("\u017f")

// exact reports whether index finds everything that the literal may match in text.
func (l literal) exact(text []byte) bool {
	if !l.fold {
		return true
	}
	return !(bytes.IndexByte(l.text, 'k') >= 0 && bytes.Contains(text, kelvin)) &&
		!(bytes.IndexByte(l.text, 's') >= 0 && bytes.Contains(text, longS))
}
