package procfile

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// assignment is a line of a Portfile, or nearly one: a key, "=" or ":", and a
// value. It is compiled for the first mistake, not at every start of devports.
var assignment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*([=:])\s*(.*)$`)
})

// explained replaces the parser's text about a syntax error where the mistake
// is a common one, and adds what to write.
func explained(src []byte, p Problem) Problem {
	lines := strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n")
	if text, hint := otherFormat(lines); text != "" {
		p.Text, p.Hint = text, hint
		return p
	}
	if p.Line < 1 || p.Line > len(lines) {
		return p
	}
	line := lines[p.Line-1]
	m := assignment().FindStringSubmatchIndex(line)
	if m == nil {
		return p
	}
	key, sign := line[m[2]:m[3]], line[m[4]:m[5]]
	value := uncommented(line[m[6]:])
	write := func(at int, text, contents string) Problem {
		p.Column, p.Text, p.Hint = at+1, text, ""
		if literal, ok := quoted(contents); ok {
			p.Hint = key + " = " + literal
		}
		return p
	}
	first, _ := utf8.DecodeRuneInString(value)
	switch {
	case strings.HasPrefix(p.Text, "invalid escape") && first == '"' && strings.HasSuffix(value, `"`) && len(value) > 1:
		return write(p.Column-1, "a backslash in double quotes starts an escape: use single quotes", value[1:len(value)-1])
	case value == "" && sign == "=":
		return write(m[6], key+" has no value", "npm run dev")
	case sign == ":":
		return write(m[4], `expected "=" after the key, not ":"`, unquoted(value))
	case strings.HasPrefix(value, `"""`), strings.HasPrefix(value, "'''"):
	case first == '"' || first == '\'':
		last := len(value) - 1
		if last > 0 && value[last] == value[0] && strings.Count(value[1:last], value[:1]) > 0 && p.Column-1 > m[6] {
			return write(p.Column-2, "this quote ends the string", value[1:last])
		}
	case strings.ContainsRune("“”„‘’", first):
		return write(m[6], "these quotes are typographic: use straight ones", strings.Trim(value, "“”„‘’"))
	case first == '[' || first == '{':
		rest := line[min(p.Column-1, len(line)):]
		if word := rest[:len(rest)-len(strings.TrimLeft(rest, bare))]; word != "" {
			p.Text, p.Hint = "a string needs quotes", "write "+quote(word)
		}
	case strings.Trim(value, "+-0123456789_.:TZ") != "": // else a number or a time
		return write(m[6], "a string needs quotes", value)
	}
	return p
}

// bare are the characters of a word without quotes in an array.
const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./$@-"

// uncommented returns a value without the comment behind it.
func uncommented(value string) string {
	if i := strings.LastIndex(value, " #"); i >= 0 && strings.Count(value[i:], `"`)+strings.Count(value[i:], "'") == 0 {
		value = value[:i]
	}
	return strings.TrimSpace(value)
}

// unquoted returns a value without its quotes.
func unquoted(value string) string {
	if n := len(value) - 1; n > 0 && value[0] == value[n] && (value[0] == '"' || value[0] == '\'') {
		return value[1:n]
	}
	return value
}

// otherFormat explains a file that is not TOML at all; text is empty for any
// other.
func otherFormat(lines []string) (text, hint string) {
	var first string
	entries, nested := 0, false
	for _, line := range lines {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if first == "" {
			first = line
		}
		if trimmed[0] == '[' || assignment().ReplaceAllString(line, "$2") == "=" {
			return "", "" // it is TOML, with a mistake
		}
		if isEntry(line) {
			entries++
		}
		nested = nested || strings.HasSuffix(trimmed, ":") || strings.HasPrefix(trimmed, "- ") || trimmed == "---"
	}
	const portfile = "write a Portfile like this one:\n[services.web]\ncommand = \"npm run dev\""
	switch {
	case strings.HasPrefix(first, "{"):
		return "this is JSON, and a Portfile is TOML", portfile
	case nested:
		return "this is YAML, and a Portfile is TOML", portfile + "\nfor a compose file: rename it to compose.yaml, and run devports init"
	case entries > 0:
		name, command, _ := strings.Cut(first, ":")
		literal, _ := quoted(strings.TrimSpace(command))
		return "this is a line of a Procfile, and a Portfile is TOML",
			"rename the file to Procfile, or write:\n[services]\n" + strings.TrimSpace(name) + " = " + literal
	}
	return "", ""
}
