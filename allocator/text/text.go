// Package text formats text for the messages of several packages: lists in
// sentences, suggestions for misspelled names, and quoted shell words. It also
// finds invalid UTF-8.
package text

import (
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Join joins words for a sentence: "a, b and c" with the conjunction "and".
func Join(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

// FirstLine returns the first line of s, without its newline: an error without
// the excerpt that some parsers add.
func FirstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// OneLine replaces every control character with a space: a command line or the
// name of a directory may contain any.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// InvalidUTF8 returns the offset of the first byte that is not valid UTF-8, or
// -1.
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

// IsPlain reports whether a value needs no quotes, in any shell and in an env
// file.
func IsPlain(value string) bool {
	return value != "" && strings.IndexFunc(value, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./:@-", r))
	}) < 0
}

// QuoteSh quotes a value for POSIX shells, unless it is plain. In single
// quotes, only the quote itself is special (XCU 2.2.2).
func QuoteSh(value string) string {
	if IsPlain(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// QuoteArg quotes a word of a command that the user is to type, unless it needs
// no quotes: for POSIX shells, on Windows for cmd.exe and PowerShell.
func QuoteArg(value string) string { return quoteArg(value, runtime.GOOS == "windows") }

func quoteArg(value string, windows bool) string {
	if !windows {
		return QuoteSh(value)
	}
	if value != "" && IsPlain(strings.NewReplacer(`\`, "", "~", "").Replace(value)+"x") {
		return value
	}
	// Programs take \" for a quote, also at the end of a directory.
	value = strings.ReplaceAll(value, `"`, `\"`)
	trailing := len(value) - len(strings.TrimRight(value, `\`))
	return `"` + value + strings.Repeat(`\`, trailing) + `"`
}

// Duration formats a duration in milliseconds or seconds: "120 ms", "3.4 s", "8
// s".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
