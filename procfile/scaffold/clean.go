package scaffold

import (
	"strings"
	"unicode"
)

// clean makes a string safe for a one-line comment: it replaces control
// characters and invalid UTF-8 with spaces.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
}
