package logstore

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Matcher finds lines that match a regular expression, ignoring colours. If every
// match contains a literal, it searches for that first, which is many times
// faster.
type Matcher struct {
	expression *regexp.Regexp
	literal    []byte // in every match; in lower case if fold
	fold       bool   // in any case
	rare       int    // index of its rarest byte, if fold
	alone      bool   // the expression is only the literal
}

// NewMatcher compiles an expression; with fold it ignores case. The error is a
// *syntax.Error.
func NewMatcher(expression string, fold bool) (*Matcher, error) {
	if fold {
		expression = "(?i)" + expression
	}
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	m := &Matcher{expression: compiled}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	parsed = parsed.Simplify()
	literal := needed(parsed)
	if literal == nil {
		return m, nil
	}
	text := string(literal.Rune)
	m.fold = literal.Flags&syntax.FoldCase != 0
	m.alone = literal == parsed
	if m.fold {
		ascii := longestASCII(text)
		m.alone = m.alone && ascii == text
		text = strings.ToLower(ascii)
	}
	if m.literal = []byte(text); m.fold {
		m.rare = rarest(m.literal)
	}
	if len(m.literal) == 0 || bytes.ContainsAny(m.literal, "\r\n\x1b\ufffd") { // U+FFFD also matches invalid UTF-8
		m.literal, m.alone, m.fold = nil, false, false
	}
	return m, nil
}

// MatchLine reports whether a line matches.
func (m *Matcher) MatchLine(line string) bool {
	return m.expression.Match(withoutColors(nil, []byte(line)))
}

// Expression is what the matcher matches.
func (m *Matcher) Expression() *regexp.Regexp { return m.expression }

// needed returns the longest literal that every match contains; nil for none.
func needed(re *syntax.Regexp) *syntax.Regexp {
	switch re.Op {
	case syntax.OpLiteral:
		return re
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		var longest *syntax.Regexp
		for _, sub := range re.Sub {
			if l := needed(sub); l != nil && (longest == nil || len(l.Rune) > len(longest.Rune)) {
				longest = l
			}
		}
		return longest
	}
	return nil
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

// byFrequency are letters, the most frequent first.
const byFrequency = " etaoinsrhldcumfpgwybvkxjqz"

// rarest returns the index of the byte that is probably the rarest in logs.
func rarest(text []byte) int {
	best, rank := 0, -1
	for i, b := range text {
		r := strings.IndexByte(byFrequency, b)
		if r < 0 {
			r = 12 // digits and punctuation
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

// index returns the position of the literal in text, or -1.
func (m *Matcher) index(text []byte) int {
	switch {
	case m.literal == nil:
		return 0
	case !m.fold:
		return bytes.Index(text, m.literal)
	}
	low := m.literal[m.rare]
	up := low
	if low >= 'a' && low <= 'z' {
		up = low - 'a' + 'A'
	}
	next := [2]int{-1, -1} // of low and up; len(text) for none
	for at := m.rare; at < len(text); {
		for i, b := range [2]byte{low, up} {
			if next[i] < at {
				if n := bytes.IndexByte(text[at:], b); n >= 0 {
					next[i] = at + n
				} else {
					next[i] = len(text)
				}
			}
		}
		at = min(next[0], next[1])
		if start := at - m.rare; at < len(text) && start+len(m.literal) <= len(text) && equalFold(text[start:], m.literal) {
			return start
		}
		at++
	}
	return -1
}

// equalFold reports whether text begins with low, in any case.
func equalFold(text, low []byte) bool {
	for i, b := range low {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != b {
			return false
		}
	}
	return true
}

// Characters that are k and s in another case.
var kelvin, longS = []byte("\u212a"), []byte("\u017f")

// exact reports whether index finds everything that may match in text.
func (m *Matcher) exact(text []byte) bool {
	if !m.fold {
		return true
	}
	return !(bytes.IndexByte(m.literal, 'k') >= 0 && bytes.Contains(text, kelvin)) &&
		!(bytes.IndexByte(m.literal, 's') >= 0 && bytes.Contains(text, longS))
}

// eachMatch calls found with the bounds of each matching line of text, which must
// be without colours.
func (m *Matcher) eachMatch(text []byte, found func(start, end int)) {
	skip := m.exact(text)
	for from := 0; from < len(text); {
		at := from
		if skip {
			i := m.index(text[from:])
			if i < 0 {
				return
			}
			at += i
		}
		start := from + bytes.LastIndexByte(text[from:at], '\n') + 1
		end := len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		}
		if m.alone && skip && m.literal != nil || m.expression.Match(bytes.TrimRight(text[start:end], "\r")) {
			found(start, end)
		}
		from = end + 1
	}
}

// withoutColors appends text without control sequences (ECMA-48, section 5.4),
// such as colours. The number of lines stays the same.
func withoutColors(dst, text []byte) []byte {
	for {
		i := bytes.Index(text, []byte("\x1b["))
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		end := i + 2
		for end < len(text) && text[end] >= 0x30 && text[end] <= 0x3f {
			end++
		}
		for end < len(text) && text[end] >= 0x20 && text[end] <= 0x2f {
			end++
		}
		if end == len(text) || text[end] < 0x40 || text[end] > 0x7e {
			dst = append(dst, text[i:i+2]...) // not a control sequence
			end = i + 2
		} else {
			end++
		}
		text = text[end:]
	}
}
