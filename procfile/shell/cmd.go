package shell

import (
	"slices"
	"strings"
	"sync"
)

// Cmd returns a command line for cmd.exe /s /c that does what a Portfile for
// all systems means by line:
//
//   - $NAME, ${NAME} and ${NAME:-default} are expanded, for cmd.exe knows only
//     %NAME%. A name that get does not know stays as it is, as in the line of a
//     PowerShell script, and so do $$ and, outside of double quotes, ^$NAME. So
//     does a value of several lines, which a command line cannot hold.
//   - A value is data, as in a shell: its &|<>^()%" are escaped, so that it cannot
//     end the command or start another. Outside of double quotes, blanks in it
//     separate arguments.
//   - The / of a program, as in ./bin/api, becomes \: cmd.exe would run ".".
//   - NAME=value at the start of a line sets a variable for its commands.
//   - Lines become commands one after another: cmd.exe ignores all but the first.
//
// Everything else is cmd.exe's syntax.
func Cmd(line string, get func(name string) (string, bool)) string {
	if !strings.ContainsAny(line, "$/\n=") {
		return line
	}
	var text []cmdByte
	for i, command := range commandLines(line) {
		if i > 0 {
			text = append(text, cmdBytes(" & ", false)...) // one after another
		}
		text = append(text, assignments(expandCmd(command, get))...)
	}
	text = backslashPrograms(text)
	var w cmdWriter
	for len(text) > 0 {
		end := 1
		switch {
		case text[0].isLiteral('"'):
			for end < len(text) && !text[end].isLiteral('"') {
				end++
			}
			end = min(end+1, len(text)) // a quote that is not closed lasts until the end
			w.quoted(text[:end])
		case text[0].isLiteral('^') && len(text) > 1 && !text[1].value:
			w.write(text[0], false)
			w.write(text[1], false)
			end = 2
		default:
			w.write(text[0], true)
		}
		text = text[end:]
	}
	w.flush()
	return w.b.String()
}

// cmdByte is a byte of a command line; value says that it is part of the value
// of a variable.
type cmdByte struct {
	c     byte
	value bool
}

func (c cmdByte) isLiteral(b byte) bool { return c == cmdByte{c: b} }

func cmdBytes(s string, value bool) []cmdByte {
	text := make([]cmdByte, len(s))
	for i := range len(s) {
		text[i] = cmdByte{s[i], value}
	}
	return text
}

// commandLines returns the lines that are commands. A backslash continues a line,
// as in the shell.
func commandLines(s string) (lines []string) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if !strings.Contains(s, "\n") {
		return []string{s}
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// assignments replaces each NAME=value before a command by a command of cmd.exe.
func assignments(text []cmdByte) (replaced []cmdByte) {
	for {
		start := slices.IndexFunc(text, func(c cmdByte) bool { return c.value || c.c != ' ' })
		equals := slices.Index(text, cmdByte{c: '='})
		if start < 0 || equals <= start || !IsVariable(literal(text[start:equals])) {
			return append(replaced, text...)
		}
		value, quote, end := []cmdByte{}, byte(0), equals+1
		for ; end < len(text) && (quote != 0 || text[end].value || text[end].c != ' '); end++ {
			switch c := text[end]; {
			case !c.value && (quote == 0 && (c.c == '"' || c.c == '\'') || quote != 0 && c.c == quote):
				quote ^= c.c
			case (c.value || quote != 0 && c.c != '%') && strings.IndexByte(`&|<>^()%"`, c.c) >= 0:
				value = append(value, cmdByte{c: '^'}, cmdByte{c: c.c})
			default:
				value = append(value, cmdByte{c: c.c})
			}
		}
		if end == len(text) { // no command
			return append(replaced, text...)
		}
		replaced = append(replaced, cmdBytes("set "+literal(text[start:equals+1]), false)...)
		replaced = append(append(replaced, value...), cmdByte{c: '&'})
		text = text[end+1:]
	}
}

// literal returns the text without values, which no name contains.
func literal(text []cmdByte) string {
	b := make([]byte, len(text))
	for i, c := range text {
		if b[i] = c.c; c.value {
			b[i] = '$'
		}
	}
	return string(b)
}

// expandCmd replaces the references to variables.
func expandCmd(s string, get func(string) (string, bool)) (text []cmdByte) {
	quoted := false
	for s != "" {
		n, value, ok := 1, "", false
		switch s[0] {
		case '"':
			quoted = !quoted
		case '^':
			if !quoted {
				n = min(2, len(s)) // and what it escapes
			}
		case '$':
			var fallback bool
			if n, value, fallback, ok = reference(s, get); ok {
				text = append(text, cmdBytes(value, !fallback)...)
			}
		}
		if !ok {
			text = append(text, cmdBytes(s[:n], false)...)
		}
		s = s[n:]
	}
	return text
}

// reference expands the dollar at the start of s. n is the length of the
// reference, or of what to keep if ok is false. fallback says that the value is a
// default, and so a part of the line.
func reference(s string, get func(string) (string, bool)) (n int, value string, fallback, ok bool) {
	if strings.HasPrefix(s, "$$") {
		return 2, "", false, false
	}
	if inside, braced := strings.CutPrefix(s, "${"); braced {
		inside, _, closed := strings.Cut(inside, "}")
		name, other, optional := strings.Cut(inside, ":-")
		if !closed || !IsVariable(name) || strings.ContainsAny(other, "${\"") {
			return 1, "", false, false
		}
		n = len("${}") + len(inside)
		if value, ok = get(name); optional && value == "" {
			return n, other, true, true
		}
		return n, value, false, ok && !strings.ContainsAny(value, "\r\n\x00")
	}
	name := s[1:]
	name = name[:len(name)-len(strings.TrimLeft(name, letters+digits+"_"))]
	if !IsVariable(name) {
		return 1, "", false, false
	}
	value, ok = get(name)
	return 1 + len(name), value, false, ok && !strings.ContainsAny(value, "\r\n\x00")
}

// backslashPrograms writes \ for / in the programs of a line. Commands of cmd.exe
// stay, because cd/d is cd with an option.
func backslashPrograms(text []cmdByte) []cmdByte {
	begins, quoted := true, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c.isLiteral('"'):
			quoted, begins = !quoted, false
		case c.value || quoted:
		case strings.IndexByte("&|(", c.c) >= 0:
			begins = true
			continue
		case c.c == '^':
			i++
		}
		if quoted || !begins || !c.value && strings.IndexByte(" \t@", c.c) >= 0 {
			continue
		}
		begins = false
		from := i
		for i < len(text) && (text[i].value || strings.IndexByte(" \t&|<>()\"^;,=", text[i].c) < 0) {
			i++
		}
		backslash(text[from:i])
		i--
	}
	return text
}

// backslash writes \ for / in the name of a program.
func backslash(name []cmdByte) {
	slash := slices.IndexFunc(name, func(c cmdByte) bool { return c.c == '/' })
	first := make([]byte, max(slash, 0))
	for i := range first {
		first[i] = name[i].c
	}
	if slash <= 0 || IsCmdCommand(string(first)) {
		return
	}
	for i := range name {
		if name[i].c == '/' {
			name[i].c = '\\'
		}
	}
}

// IsCmdCommand reports whether cmd.exe runs a command itself.
func IsCmdCommand(name string) bool { return cmdWords()[strings.ToLower(name)] }

// cmdWords are the commands of cmd.exe.
var cmdWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`
		assoc break call cd chdir cls color copy date del dir echo endlocal erase exit for ftype goto if md mkdir mklink
		move path pause popd prompt pushd rd rem ren rename rmdir set setlocal shift start time title type ver verify vol`) {
		words[word] = true
	}
	return words
})

// cmdWriter writes a command line. It holds backslashes back: before a quote,
// programs take two of them for one (see CommandLineToArgvW).
type cmdWriter struct {
	b               strings.Builder
	literal, values int // backslashes held back: those of the line after the last value, and others
}

func (w *cmdWriter) flush() {
	w.b.WriteString(strings.Repeat(`\`, w.literal+w.values))
	w.literal, w.values = 0, 0
}

// quoted writes a part in double quotes. In these cmd.exe takes nothing
// specially but % and the next quote, which no caret escapes. If a value has
// one, the quotes are hidden from cmd.exe, and only the program sees them.
func (w *cmdWriter) quoted(text []cmdByte) {
	hide := false
	for _, c := range text {
		hide = hide || c.value && (c.c == '"' || c.c == '%')
	}
	for _, c := range text {
		if hide && !c.value && strings.IndexByte(`&|<>^()"`, c.c) >= 0 {
			w.beforeQuote(c)
			w.b.WriteByte('^')
		}
		w.write(c, hide)
	}
}

// beforeQuote writes the backslashes before a quote of the line.
func (w *cmdWriter) beforeQuote(c cmdByte) {
	if c.c == '"' {
		w.b.WriteString(strings.Repeat(`\`, w.literal+2*w.values))
		w.literal, w.values = 0, 0
	}
	w.flush()
}

// write writes a byte. escape says that cmd.exe does not see it in double
// quotes, so that a caret escapes it.
func (w *cmdWriter) write(c cmdByte, escape bool) {
	switch {
	case c.c == '\\' && c.value:
		w.values += w.literal + 1 // a backslash of the line is not next to the quote then
		w.literal = 0
		return
	case c.c == '\\':
		w.literal++
		return
	case c.c == '"' && c.value:
		w.b.WriteString(strings.Repeat(`\`, 2*(w.literal+w.values)+1))
		w.literal, w.values = 0, 0
	default:
		w.beforeQuote(c)
	}
	if escape && c.value && strings.IndexByte(`&|<>^()%"`, c.c) >= 0 {
		w.b.WriteByte('^')
	}
	w.b.WriteByte(c.c)
}
