package procfile

import (
	"strings"

	"github.com/xrash/smetrics"
)

// variable is the form that a name takes in the name of a variable: upper
// case, and an underscore for everything that is neither a letter nor a digit.
func variable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// isVariableName reports whether s can be the name of a shell variable
// (POSIX.1-2024, Base Definitions, 3.216 "Name").
func isVariableName(s string) bool {
	for i, c := range []byte(s) {
		if !isNameByte(c, i == 0) {
			return false
		}
	}
	return s != ""
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}

// isServiceName reports whether s is a name that a Portfile may give:
// [A-Za-z][A-Za-z0-9_-]*.
func isServiceName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		rest := c >= '0' && c <= '9' || c == '_' || c == '-'
		if !letter && (i == 0 || !rest) {
			return false
		}
	}
	return s != ""
}

// Nearest returns the candidate that name is most likely a misspelling of, if
// any is near enough: at most one edit in three letters.
func Nearest(name string, candidates []string) (string, bool) {
	best, found := "", false
	limit := len(name)/3 + 1
	for _, c := range candidates {
		distance := smetrics.WagnerFischer(strings.ToLower(name), strings.ToLower(c), 1, 1, 1)
		if distance < limit || distance == limit && !found && limit > 1 {
			best, found, limit = c, true, distance
		}
	}
	return best, found
}

// didYouMean is the hint for a name that nobody knows.
func didYouMean(name string, candidates []string) string {
	if near, ok := Nearest(name, candidates); ok {
		return "did you mean " + quote(near) + "?"
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
