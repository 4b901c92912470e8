package procfile

import (
	"fmt"
	"strings"
)

// lookup returns the value of a variable, and whether it is set.
type lookup func(name string) (value string, ok bool)

// expand replaces $NAME, ${NAME}, ${NAME:-default} and ${NAME:+text} in s with
// the values from get, and $$ with a dollar; any other dollar is literal. As in a
// shell (POSIX.1-2024, XCU 2.6.2), the default replaces an unset or empty value,
// the text any other, and both may contain variables. An undefined name expands
// to nothing and is listed in undefined, except in ${NAME:+text}. The error
// reports malformed braces.
func expand(s string, get lookup) (expanded string, undefined []string, err error) {
	var b strings.Builder
	for {
		dollar := strings.IndexByte(s, '$')
		if dollar < 0 {
			b.WriteString(s)
			return b.String(), undefined, nil
		}
		b.WriteString(s[:dollar])
		s = s[dollar+1:]
		switch n := nameLength(s); {
		case strings.HasPrefix(s, "$"):
			b.WriteByte('$')
			s = s[1:]
		case n > 0:
			value, ok := get(s[:n])
			if !ok {
				undefined = append(undefined, s[:n])
			}
			b.WriteString(value)
			s = s[n:]
		case strings.HasPrefix(s, "{"):
			value, rest, missing, err := expandBraces(s[1:], get)
			if err != nil {
				return "", nil, err
			}
			b.WriteString(value)
			undefined = append(undefined, missing...)
			s = rest
		default:
			b.WriteByte('$')
		}
	}
}

// expandBraces expands the text after "${", and returns the rest after the
// closing brace.
func expandBraces(s string, get lookup) (value, rest string, undefined []string, err error) {
	body, rest, closed := cutBrace(s)
	if !closed {
		return "", "", nil, fmt.Errorf("${%s has no closing brace", excerpt(s))
	}
	n := nameLength(body)
	name := body[:n]
	value, ok := get(name)
	switch operator := body[n:]; {
	case n == 0, operator != "" && !strings.HasPrefix(operator, ":-") && !strings.HasPrefix(operator, ":+"):
		return "", "", nil, fmt.Errorf("${%s} is not supported: use ${NAME} or ${NAME:-default}", body)
	case operator == "" && !ok:
		return "", rest, []string{name}, nil
	case operator == "":
	case strings.HasPrefix(operator, ":+") == (value != ""):
		value, undefined, err = expand(operator[2:], get)
	}
	return value, rest, undefined, err
}

// cutBrace cuts s at the brace that closes a preceding "${". Nested "${" count.
func cutBrace(s string) (inside, rest string, closed bool) {
	depth := 1
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '$' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '$'):
			if s[i+1] == '{' {
				depth++
			}
			i++
		case s[i] == '}':
			if depth--; depth == 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return "", "", false
}

// nameLength returns the length of the variable name at the start of s.
func nameLength(s string) int {
	n := 0
	for n < len(s) && isNameByte(s[n], n == 0) {
		n++
	}
	return n
}

// excerpt returns the first line of s, shortened to 40 bytes.
func excerpt(s string) string {
	if line, _, more := strings.Cut(s, "\n"); more || len(line) > 40 {
		return line[:min(len(line), 40)] + "…"
	}
	return s
}
