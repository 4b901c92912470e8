package output

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// Match returns a channel that is closed when a line that has been written
// matches, less the escape sequences that color it. An unfinished line counts
// as far as it goes. It must be called before Copy, and only once. Of a line that
// is too long for a buffer, each piece counts by itself.
func (s *Stream) Match(expression *regexp.Regexp) <-chan struct{} {
	s.match, s.matched = expression, make(chan struct{})
	return s.matched
}

// find looks in lines, the last of which may be unfinished, for the one that is
// waited for.
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

// matches reports whether a line is the one that is waited for.
func (s *Stream) matches(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	if bytes.IndexByte(line, '\x1b') >= 0 {
		line = escapes().ReplaceAll(line, nil)
	}
	return s.match.Match(line)
}

// Plain is a line, without its newline, as it looks on a terminal, less colours
// and links.
func Plain(line string) string {
	shown, _ := appendPrintable(nil, escapes().ReplaceAll([]byte(line), nil))
	return strings.ReplaceAll(links().ReplaceAllString(string(shown), ""), linkEnd, "")
}

// links are what begins a link.
var links = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\]8;[^\x1b\a]*(\x1b\\|\a)`) })

// escapes are the control sequences of ECMA-48, section 5.4.
var escapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`) })
