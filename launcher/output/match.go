package output

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// Match returns a channel that is closed when a line that has been written
// matches, without its escape sequences. An unfinished line is matched, too. Each
// piece of a line that is too long for a buffer is matched on its own. Match must
// be called before Copy, and only once.
func (s *Stream) Match(expression *regexp.Regexp) <-chan struct{} {
	s.match, s.matched = expression, make(chan struct{})
	return s.matched
}

// find matches lines, the last of which may be unfinished.
func (s *Stream) find(lines []byte) {
	for line := range bytes.Lines(lines) {
		if len(s.unfinished) > 0 {
			line = append(s.unfinished, line...)
		}
		if s.matches(line) {
			s.match, s.unfinished = nil, nil
			close(s.matched)
			return
		}
		if s.unfinished = s.unfinished[:0]; line[len(line)-1] != '\n' && len(line) < maxBuffer {
			s.unfinished = append(s.unfinished, line...)
		}
	}
}

// matches reports whether a line matches without its escape sequences.
func (s *Stream) matches(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = escapes().ReplaceAll(line, nil)
	}
	return s.match.Match(line)
}

// Plain returns a line, given without its newline, as it looks on a terminal, but
// without colours and links.
func Plain(line string) string {
	shown, _ := appendPrintable(nil, escapes().ReplaceAll([]byte(line), nil))
	return strings.ReplaceAll(links().ReplaceAllString(string(shown), ""), linkEnd, "")
}

// links matches the sequence that begins a link.
var links = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\]8;[^\x1b\a]*(\x1b\\|\a)`) })

// escapes matches the control sequences of ECMA-48, section 5.4.
var escapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`) })
