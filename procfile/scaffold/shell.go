package scaffold

import (
	"strings"

	"github.com/devports/devports/allocator/text"
)

// word is a word of a command line, without its quotes, and where it stands.
type word struct {
	text       string
	start, end int
}

// simpleCommand is a program and its arguments, with what is assigned before
// them.
type simpleCommand struct {
	words []word
	last  bool // what is appended to the line becomes its argument
}

// end is where an argument can be put in.
func (c simpleCommand) end() int { return c.words[len(c.words)-1].end }

// splitCommands splits a line of shell (POSIX.1-2024, XCU 2.3 and 2.9) into its
// simple commands. It expands nothing; redirections and comments are dropped.
func splitCommands(line string) []simpleCommand {
	s := splitter{line: line}
	for s.pos < len(line) {
		switch c := line[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
			s.pos++
		case c == '#':
			s.pos += indexOr(line[s.pos:], "\n", len(line)-s.pos)
		case strings.IndexByte("\n;&|()", c) >= 0:
			s.finish()
			s.pos++
		case c == '<' || c == '>':
			s.redirection()
		default:
			s.word()
		}
	}
	if s.finish(); len(s.commands) > 0 {
		c := &s.commands[len(s.commands)-1]
		c.last = !strings.ContainsAny(line[c.end():], "\n;&|()#")
	}
	return s.commands
}

type splitter struct {
	line     string
	pos      int
	words    []word
	commands []simpleCommand
}

func (s *splitter) finish() {
	if len(s.words) > 0 {
		s.commands = append(s.commands, simpleCommand{words: s.words})
		s.words = nil
	}
}

// word reads a word; one that is only the number of a redirection is dropped.
func (s *splitter) word() {
	var text strings.Builder
	start := s.pos
	for s.pos < len(s.line) && !strings.ContainsRune(" \t\r\n;&|()<>", rune(s.line[s.pos])) {
		rest := s.line[s.pos:]
		switch {
		case rest[0] == '\'':
			n := indexOr(rest[1:], "'", len(rest)-1)
			text.WriteString(rest[1 : 1+n])
			s.pos += min(n+2, len(rest))
		case rest[0] == '"':
			s.doubleQuoted(&text)
		case rest[0] == '\\' && len(rest) > 1:
			text.WriteByte(rest[1])
			s.pos += 2
		case strings.HasPrefix(rest, "$("), rest[0] == '`', strings.HasPrefix(rest, "${"):
			n := substitution(rest)
			text.WriteString(rest[:n])
			s.pos += n
		default:
			text.WriteByte(rest[0])
			s.pos++
		}
	}
	number := strings.Trim(text.String(), "0123456789") == ""
	if number && s.pos < len(s.line) && (s.line[s.pos] == '<' || s.line[s.pos] == '>') {
		return
	}
	s.words = append(s.words, word{text.String(), start, s.pos})
}

func (s *splitter) doubleQuoted(text *strings.Builder) {
	for s.pos++; s.pos < len(s.line); s.pos++ {
		switch c := s.line[s.pos]; {
		case c == '"':
			s.pos++
			return
		case c == '\\' && s.pos+1 < len(s.line) && strings.IndexByte("\\\"$`", s.line[s.pos+1]) >= 0:
			s.pos++
			text.WriteByte(s.line[s.pos])
		default:
			text.WriteByte(c)
		}
	}
}

// redirection skips an operator and what it names.
func (s *splitter) redirection() {
	rest := s.line[s.pos:]
	s.pos += len(rest) - len(strings.TrimLeft(strings.TrimLeft(rest, "<>&|"), " \t"))
	before := len(s.words)
	if s.pos < len(s.line) {
		s.word()
	}
	s.words = s.words[:before]
}

// substitution is the length of the $(…), ${…} or `…` that s starts with.
func substitution(s string) int {
	if s[0] == '`' {
		return min(2+indexOr(s[1:], "`", len(s)), len(s))
	}
	depth := 0
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

func indexOr(s, sub string, otherwise int) int {
	if i := strings.Index(s, sub); i >= 0 {
		return i
	}
	return otherwise
}

// quoteSh quotes a word for the shell, where it has to be: after a command, more
// is plain than in all places.
func quoteSh(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+=,", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	return text.QuoteSh(s)
}
