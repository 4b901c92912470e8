package logstore

import (
	"bytes"
	"regexp"
	"regexp/syntax"
)

// Matcher finds lines that match a regular expression, ignoring colours. If every
// match contains one of a few literals, it searches for these first, which is many
// times faster.
type Matcher struct {
	expression *regexp.Regexp
	literals   []literal // one of them is in every match; none if that is not known
	alone      bool      // the expression is only the literal
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
	m.literals = needed(parsed)
	m.alone = len(m.literals) == 1 && parsed.Op == syntax.OpLiteral && len(m.literals[0].text) == len(string(parsed.Rune))
	return m, nil
}

// MatchLine reports whether a line matches.
func (m *Matcher) MatchLine(line string) bool {
	return m.expression.Match(withoutColors(nil, []byte(line)))
}

// Expression returns the regular expression that the matcher matches.
func (m *Matcher) Expression() *regexp.Regexp { return m.expression }

// tuned returns a matcher that is fast in text like sample.
func (m *Matcher) tuned(sample []byte) *Matcher {
	var counts [256]int
	for _, b := range sample {
		counts[b]++
	}
	own := *m
	own.literals = nil
	for _, l := range m.literals {
		own.literals = append(own.literals, l.tuned(&counts))
	}
	return &own
}

// exact reports whether search finds everything that may match in text.
func (m *Matcher) exact(text []byte) bool {
	for _, l := range m.literals {
		if !l.exact(text) {
			return false
		}
	}
	return true
}

// search is a search of a text for literals.
type search struct {
	literals []literal
	text     []byte
	colored  bool             // there may be control sequences in it
	next     [maxLiterals]int // the position of each, unless that has been passed
}

func (m *Matcher) search(text []byte) search {
	s := search{literals: m.literals, text: text, colored: bytes.IndexByte(text, escape) >= 0}
	for i := range s.next {
		s.next[i] = -1
	}
	return s
}

// from returns the first position of a literal at or after at; the length of
// the text if there is none. Positions must not decrease.
func (s *search) from(at int) int {
	first := len(s.text)
	if len(s.literals) == 0 {
		return at
	}
	for i, l := range s.literals {
		if s.next[i] < at {
			if n := l.index(s.text[at:], s.colored); n >= 0 {
				s.next[i] = at + n
			} else {
				s.next[i] = len(s.text)
			}
		}
		first = min(first, s.next[i])
	}
	return first
}

// eachMatch calls found with the bounds of each matching line of text.
func (m *Matcher) eachMatch(text []byte, found func(start, end int)) {
	search := m.search(text)
	skip := m.exact(text)
	var plain []byte
	for from := 0; from < len(text); {
		at := from
		if skip {
			if at = search.from(from); at == len(text) {
				return
			}
		}
		start := from + bytes.LastIndexByte(text[from:at], '\n') + 1
		end := len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n
		}
		line := bytes.TrimRight(text[start:end], "\r")
		colored := search.colored && bytes.IndexByte(line, escape) >= 0
		if colored {
			plain = withoutColors(plain[:0], line)
			line = plain
		}
		if m.alone && skip && !colored || m.expression.Match(line) {
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
