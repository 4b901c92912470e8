package procfile

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/joho/godotenv"

	"github.com/devports/devports/allocator/text"
)

// parseEnvFile parses an env file. Each value is in the grammar of expand: the
// dollars of a literal string are doubled.
//
// godotenv parses the values. It reports no line numbers, accepts "B C" as a
// name and expands only upper-case names of the same file. So parseEnvFile
// splits the file into entries, validates each one and passes them to godotenv
// one at a time, with their dollars masked.
func parseEnvFile(name string, src []byte) ([]Variable, Problems) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if i := text.InvalidUTF8(string(src)); i >= 0 {
		return nil, Problems{problemf(name, endOf(src[:i]), "", "not UTF-8 text")}
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	if before, _, nul := strings.Cut(text, "\x00"); nul {
		return nil, Problems{problemf(name, endOf([]byte(before)), "", "must not contain a NUL character")}
	}
	r := envReader{file: name, marks: unusedMarks(text)}
	for rest, line := text, 1; rest != ""; {
		statement := r.entry(rest, line)
		line += strings.Count(statement, "\n")
		rest = rest[len(statement):]
	}
	return r.vars, r.problems
}

// envReader collects the entries of an env file.
type envReader struct {
	file     string
	marks    marks
	vars     []Variable
	problems Problems
}

// marks are the characters that replace a dollar to expand, and a literal
// dollar, backslash and double quote, while godotenv parses a value.
type marks struct{ dollar, literal, backslash, quote string }

// envName is compiled for the first env file, not at every start of devports.
var envName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([ \t]*(?:export[ \t]+)?)([^=:'"\n]*?)[ \t]*[=:]`)
})

// entry parses the entry at the start of text, on the given line, and returns
// its text: one line, or more if a quoted value spans them. A line with a
// mistake is an entry of one line.
func (r *envReader) entry(text string, line int) string {
	statement := strings.SplitAfterN(text, "\n", 2)[0]
	trimmed := strings.TrimSpace(statement)
	if trimmed == "" || trimmed[0] == '#' {
		return statement
	}
	fail := func(column int, hint, format string, args ...any) {
		r.problems = append(r.problems, problemf(r.file, Position{Line: line, Column: column}, hint, format, args...))
	}
	m := envName().FindStringSubmatch(statement)
	if m == nil {
		fail(1, `write NAME=value, or put "#" before a comment`, "expected NAME=value, got %q", trimmed)
		return statement
	}
	name, column := m[2], len(m[1])+1
	if !isVariableName(name) {
		fail(column, "use letters, digits and _, not starting with a digit", "%q is not a valid variable name", name)
		return statement
	}

	value := strings.TrimLeft(statement[len(m[0]):], " \t")
	at := len(statement) - len(value) // where the value starts in text
	switch {
	case value == "" || value[0] == '\n':
		r.vars = append(r.vars, Variable{Name: name, Pos: Position{Line: line, Column: column}})
		return statement
	case value[0] == '#' && at > len(m[0]):
		r.vars = append(r.vars, Variable{Name: name, Pos: Position{Line: line, Column: column}})
		return statement
	case value[0] == '\'' || value[0] == '"':
		end := closingQuote(text[at:])
		if end < 0 {
			fail(at+1, "", "missing closing quote")
			return statement
		}
		rest := strings.SplitAfterN(text[at+end+1:], "\n", 2)[0]
		if t := strings.TrimSpace(rest); t != "" && t[0] != '#' {
			fail(at+1, "", "unexpected %q after the closing quote", t)
			return text[:at+end+1+len(rest)]
		}
		statement = text[:at+end+1+len(rest)]
		value = text[at : at+end+1]
	default: // godotenv would search the comment from the end
		for i := 1; i < len(value); i++ {
			if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
				value = value[:i]
			}
		}
	}
	parsed, err := godotenv.Unmarshal(name + "=" + r.mask(value))
	if _, ok := parsed[name]; err != nil || !ok || len(parsed) != 1 {
		fail(column, "", "cannot parse the value of %s", name)
		return statement
	}
	r.vars = append(r.vars, Variable{name, r.unmask(parsed[name]), Position{Line: line, Column: column}})
	return statement
}

// closingQuote returns the offset of the quote that ends the quoted string at
// the start of s, or -1. As in a shell, a backslash escapes the next character
// in double quotes and is literal in single quotes.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return i
		case s[i] == '\\' && s[0] == '"':
			i++
		}
	}
	return -1
}

// mask replaces the characters that godotenv would misread: dollars,
// backslashes that escape nothing, and escaped quotes, which it would trim at
// the ends.
func (r *envReader) mask(value string) string {
	m := r.marks
	switch value[0] {
	case '\'':
		return strings.NewReplacer("$", m.literal, `\`, m.backslash).Replace(value)
	case '"':
		return strings.NewReplacer(`\\`, m.backslash, `\"`, m.quote, `\$`, m.literal, "$", m.dollar,
			`\n`, `\n`, `\r`, `\r`, `\`, m.backslash).Replace(value)
	}
	return strings.NewReplacer(`\$`, m.literal, "$", m.dollar).Replace(value)
}

// unmask reverses mask. Its dollars are in the grammar of expand.
func (r *envReader) unmask(value string) string {
	m := r.marks
	return strings.NewReplacer(m.dollar, "$", m.literal, "$$", m.backslash, `\`, m.quote, `"`).Replace(value)
}

// unusedMarks finds characters of Unicode's private use area that are not in
// text.
func unusedMarks(text string) marks {
	var unused []string
	for c := '\uE000'; len(unused) < 4; c++ {
		if !strings.ContainsRune(text, c) {
			unused = append(unused, string(c))
		}
	}
	return marks{unused[0], unused[1], unused[2], unused[3]}
}
