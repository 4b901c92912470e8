package procfile

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/joho/godotenv"

	"github.com/devports/devports/allocator/text"
)

// parseEnvFile reads an env file. Each value is in the grammar of expand:
// what the file quotes literally has its dollars doubled.
//
// godotenv decides what a value is. It knows no line numbers, takes "B C=2" as
// a name and expands upper-case names of the same file only. So the file is cut
// in entries here, each checked and handed over by itself, with its dollars
// out of godotenv's sight.
func parseEnvFile(name string, src []byte) ([]Variable, Problems) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if i := text.InvalidUTF8(string(src)); i >= 0 {
		return nil, Problems{problemf(name, endOf(src[:i]), "", "not UTF-8 text")}
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	if before, _, nul := strings.Cut(text, "\x00"); nul {
		return nil, Problems{problemf(name, endOf([]byte(before)), "", "must not hold a NUL character")}
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

// marks are characters that stand for a dollar to expand, and for a literal
// dollar, backslash and double quote, while godotenv reads a value.
type marks struct{ dollar, literal, backslash, quote string }

// envName is compiled when the first env file is read: every start of devports
// would wait for it.
var envName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([ \t]*(?:export[ \t]+)?)([^=:'"\n]*?)[ \t]*[=:]`)
})

// entry reads the entry that text starts with, in the given line, and returns
// all the text that belongs to it: the rest of the line, or more if a quoted
// value goes on. A line with a mistake is an entry of one line.
func (r *envReader) entry(text string, line int) string {
	statement := strings.SplitAfterN(text, "\n", 2)[0]
	trimmed := strings.TrimSpace(statement)
	if trimmed == "" || trimmed[0] == '#' {
		return statement
	}
	fail := func(column int, hint, format string, args ...any) {
		r.problems = append(r.problems, problemf(r.file, Position{line, column}, hint, format, args...))
	}
	m := envName().FindStringSubmatch(statement)
	if m == nil {
		fail(1, `write NAME=value, or put "#" before a comment`, "not an entry: %q has no =", trimmed)
		return statement
	}
	name, column := m[2], len(m[1])+1
	if !isVariableName(name) {
		fail(column, "letters, digits and _, no digit first", "%q cannot be the name of a variable", name)
		return statement
	}

	value := strings.TrimLeft(statement[len(m[0]):], " \t")
	at := len(statement) - len(value) // where the value starts in text
	switch {
	case value == "" || value[0] == '\n':
		r.vars = append(r.vars, Variable{Name: name, Pos: Position{line, column}})
		return statement
	case value[0] == '#' && at > len(m[0]):
		r.vars = append(r.vars, Variable{Name: name, Pos: Position{line, column}})
		return statement
	case value[0] == '\'' || value[0] == '"':
		end := closingQuote(text[at:])
		if end < 0 {
			fail(at+1, "", "the quote is never closed")
			return statement
		}
		behind := strings.SplitAfterN(text[at+end+1:], "\n", 2)[0]
		if t := strings.TrimSpace(behind); t != "" && t[0] != '#' {
			fail(at+1, "", "%q follows the closing quote", t)
			return text[:at+end+1+len(behind)]
		}
		statement = text[:at+end+1+len(behind)]
		value = text[at : at+end+1]
	}
	parsed, err := godotenv.Unmarshal(name + "=" + r.hide(value))
	if _, ok := parsed[name]; err != nil || !ok || len(parsed) != 1 {
		fail(column, "", "the value of %s cannot be read", name)
		return statement
	}
	r.vars = append(r.vars, Variable{name, r.show(parsed[name]), Position{line, column}})
	return statement
}

// closingQuote is the offset of the quote that ends the quoted string at the
// start of s, or -1. As in a shell, a backslash protects what follows it between
// double quotes, and is nothing special between single ones.
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

// hide takes what godotenv would misread out of a value: dollars, backslashes
// that protect nothing, and quotes that are protected, for it trims any quotes
// at the ends.
func (r *envReader) hide(value string) string {
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

// show undoes hide. What is left of dollars is in the grammar of expand.
func (r *envReader) show(value string) string {
	m := r.marks
	return strings.NewReplacer(m.dollar, "$", m.literal, "$$", m.backslash, `\`, m.quote, `"`).Replace(value)
}

// unusedMarks finds characters of Unicode's private use area that text does
// not hold.
func unusedMarks(text string) marks {
	var unused []string
	for c := '\uE000'; len(unused) < 4; c++ {
		if !strings.ContainsRune(text, c) {
			unused = append(unused, string(c))
		}
	}
	return marks{unused[0], unused[1], unused[2], unused[3]}
}
