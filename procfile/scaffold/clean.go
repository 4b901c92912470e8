package scaffold

import (
	"strings"
	"unicode"
)

// clean makes a string fit for a line of comment: control characters, and what
// is no text, become blanks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
}
