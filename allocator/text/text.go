// Package text has what messages and parsers of several packages need of words:
// lists as a sentence has them, a guess at a misspelled name, quotes for the
// shell, and where a text is none.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Join joins words as a sentence does: "a, b and c", where conjunction is "and".
func Join(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

// FirstLine returns the first line of s, without its newline: what an error says,
// without the excerpts that some bring along.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// OneLine replaces every control character by a space: a command line or the
// name of a folder, for two, may hold any.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// InvalidUTF8 returns the offset of the first byte that is no UTF-8, or -1.
func InvalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, c := range s {
		if c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// IsPlain reports whether a value means itself, without quotes, in every shell and
// in an env file.
func IsPlain(value string) bool {
	return value != "" && strings.IndexFunc(value, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./:@-", r))
	}) < 0
}

// QuoteSh quotes a value for POSIX shells (XCU 2.2.2), unless it is plain: nothing
// is special between single quotes but the quote itself.
func QuoteSh(value string) string {
	if IsPlain(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
