package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Fields returns the words of a command line that needs no shell: a simple
// command, see [Exec], without assignments and redirections, and with no
// expansions but of variables, which get looks up. ok is false for any other line,
// and where a variable is not set, or where the shell might make several words of
// its value.
func Fields(line string, get func(name string) (string, bool)) (words []string, ok bool) {
	call, redirections, ok := simpleCommand(line)
	if !ok || strings.ContainsAny(line, "\r\x00") || // which the parser drops
		len(redirections) > 0 || len(call.Assigns) > 0 {
		return nil, false
	}
	e := expander{line: line, get: get}
	for _, word := range call.Args {
		e.word.Reset()
		for _, part := range word.Parts {
			if !e.append(part, false) {
				return nil, false
			}
		}
		words = append(words, e.word.String())
	}
	return words, true
}

// expander expands one word after the other.
type expander struct {
	line string
	get  func(string) (string, bool)
	word strings.Builder
}

// append reports whether the shell makes the same of a part.
func (e *expander) append(part syntax.WordPart, quoted bool) bool {
	switch part := part.(type) {
	case *syntax.Lit:
		e.word.WriteString(part.Value)
		special := "\\$`"
		if !quoted {
			special = "\\$`*?[~"
		}
		return !strings.ContainsAny(part.Value, special)
	case *syntax.SglQuoted:
		e.word.WriteString(part.Value)
		return !part.Dollar
	case *syntax.DblQuoted:
		for _, inner := range part.Parts {
			if !e.append(inner, true) {
				return false
			}
		}
		return !part.Dollar
	case *syntax.ParamExp:
		text := e.line[part.Pos().Offset():part.End().Offset()]
		name := strings.Trim(text, "${}")
		if !IsVariable(name) || text != "$"+name && text != "${"+name+"}" {
			return false
		}
		value, set := e.get(name)
		e.word.WriteString(value)
		return set && (quoted || isWord(value))
	}
	return false
}

// IsVariable reports whether a name may be a variable's, and is not a special
// parameter.
func IsVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// isWord reports whether a value is one word when the shell expands it outside of
// quotes.
func isWord(value string) bool {
	return value != "" && strings.Trim(value, letters+digits+"_./:,=+@%-") == ""
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)
