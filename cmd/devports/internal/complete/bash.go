package complete

import (
	"strings"

	"github.com/devports/devports/allocator/text"
)

// bashBreaks are characters at which bash splits words for completion, but
// which are part of a word for the command. (The others in COMP_WORDBREAKS are
// special to the shell.)
const bashBreaks = "=:@"

// Bash converts the words of COMP_WORDS, of which there must be at least one.
// They are as typed, including quotes, and are split. The completions that
// replace the last one must be quoted, and must not include the text before the
// last split or the open quote.
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

// unquoteSh removes the quotes of a word like a shell (POSIX.1-2024, XCU 2.2),
// without expanding variables. open is the unclosed quote, if any, and before
// is the length of the text before it.
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

// quoteBash quotes text after an open quote, or after none (0). It uses
// backslashes, so that the user can continue the word.
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
