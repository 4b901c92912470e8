package procfile

import (
	"strings"
	"unicode/utf8"

	"github.com/devports/devports/allocator/text"
)

// isVariableName reports whether s is a valid name of a shell variable
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

// isServiceName reports whether s is a valid name of a service or port in a
// Portfile: [A-Za-z][A-Za-z0-9_-]*.
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

// reservedName is the name before devports' own lines: see output.Own.
const reservedName = "devports"

// variableName replaces the characters of a name that a variable cannot have.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isNameByte(byte(r), false) {
			return r
		}
		return '_'
	}, name)
}

// didYouMean returns the hint for an unknown name.
func didYouMean(name string, candidates []string) string {
	if near, ok := text.Nearest(name, candidates); ok {
		return "did you mean " + quote(near) + "?"
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
