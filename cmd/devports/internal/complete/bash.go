package complete

import (
	"strings"

	"github.com/devports/devports/allocator/text"
)

// bashBreaks are the characters at which bash breaks a line into words for
// completion, but that are part of a word for the command. (COMP_WORDBREAKS has
// others, but those mean something to the shell.)
const bashBreaks = "=:@"

// Bash are words as COMP_WORDS has them: as they are typed, quotes and all, and
// broken. There must be at least one. What bash puts in the place of the last one has to be quoted, and
// without what stands before the last break or the open quote.
func Bash(pieces []string) Words {
	var t Words
	var raw []string
	for i, p := range pieces {
		if i > 0 && (isBreak(p) || isBreak(pieces[i-1])) {
			raw[len(raw)-1] += p
			continue
		}
		raw, t.at = append(raw, p), append(t.at, i+1)
	}
	for _, r := range raw {
		word, _, _ := unquoteSh(r)
		t.words = append(t.words, word)
	}
	last := len(pieces) - 1
	tail := pieces[last]
	switch {
	case strings.HasSuffix(tail, "@"):
		tail = "@"
	case isBreak(tail):
		tail = ""
	case last > 0 && strings.HasSuffix(pieces[last-1], "@"):
		tail = "@" + tail
	}
	head, _, _ := unquoteSh(strings.TrimSuffix(raw[len(raw)-1], tail))
	_, quote, before := unquoteSh(tail)
	kept := len(head) + before
	word := t.words[len(t.words)-1]
	t.put = func(c Candidate) (string, bool) {
		if strings.HasPrefix(c.Word, ":") { // for the shell itself
			return c.Word, true
		}
		if !strings.HasPrefix(c.Word, word) {
			return "", false
		}
		return quoteBash(c.Word[kept:], quote), true
	}
	return t
}

func isBreak(piece string) bool { return piece != "" && strings.Trim(piece, bashBreaks) == "" }

// unquoteSh is what a word means to a shell (POSIX.1-2024, XCU 2.2), variables
// left alone. open is the quote that is not closed, if any, and before how much
// of text stands before that.
func unquoteSh(word string) (text string, open byte, before int) {
	var b []byte
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case open == 0 && (c == '\'' || c == '"'):
			open, before = c, len(b)
		case c == open && c != 0:
			open = 0
		case c == '\\' && open != '\'' && i+1 < len(word) && (open == 0 || strings.IndexByte("\\\"$`", word[i+1]) >= 0):
			i++
			b = append(b, word[i])
		default:
			b = append(b, c)
		}
	}
	return string(b), open, before
}

// quoteBash quotes what goes on behind an open quote, or behind none (0). A
// backslash leaves the word as one that can be typed on.
func quoteBash(s string, open byte) string {
	if open == '\'' {
		return strings.ReplaceAll(s, "'", `'\''`)
	}
	var b strings.Builder
	for _, r := range s {
		special := strings.ContainsRune("\\\"$`", r)
		if open == 0 {
			special = r < 0x80 && !text.IsPlain(string(r)) && !strings.ContainsRune("=,+%", r)
		}
		if special {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
