package procfile

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// entryLine is foreman's grammar for a line of a Procfile.
var entryLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)
})

// parseProcfile reads a Procfile. A line that is neither an entry, blank nor a
// comment is a problem: other tools skip it, and then one service never starts.
func parseProcfile(name string, src []byte, a *assembly) (File, Problems) {
	f := File{Name: name, Procfile: true}
	if a != nil && a.path != "" {
		f.notes = a.unusedLocal(f.Name)
	}
	var problems Problems
	lines := map[string]int{} // of each service
	for i, line := range strings.Split(string(src), "\n") {
		line = strings.TrimSuffix(line, "\r")
		start := Position{Line: i + 1, Column: 1}
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		m := entryLine().FindStringSubmatch(line)
		if m == nil || strings.TrimSpace(m[2]) == "" {
			problem := notEntry(name, i+1, line)
			if strings.HasPrefix(problem.Text, otherFile) {
				return f, Problems{problem}
			}
			problems = append(problems, problem)
			continue
		}
		if strings.ContainsRune(line, 0) {
			problems = append(problems, problemf(name, start, "", "must not contain a NUL character"))
		}
		if before, taken := lines[m[1]]; taken {
			problems = append(problems, problemf(name, start, "", "%s is already defined on line %d", quote(m[1]), before))
			continue
		}
		lines[m[1]] = start.Line
		s := newService(m[1], start)
		s.Command = Command{Shell: strings.TrimSpace(m[2]), Pos: Position{Line: start.Line, Column: 1 + strings.LastIndex(line, m[2])}, verbatim: true}
		s.Ready = "none" // a Procfile cannot declare a process without a port
		f.Services = append(f.Services, s)
	}
	if len(f.Services) == 0 && len(problems) == 0 {
		problems = Problems{problemf(name, Position{Line: 1, Column: 1}, "web: npm run dev", "no services: a Procfile declares one per line")}
	}
	return f, problems
}

const otherFile = "this is a Portfile"

// notEntry is the problem of a line that is no entry: where its fault is, and
// the line as it should be.
func notEntry(file string, number int, line string) Problem {
	at := func(offset int, hint, format string, args ...any) Problem {
		return problemf(file, Position{Line: number, Column: offset + 1}, hint, format, args...)
	}
	name, command, colon := strings.Cut(line, ":")
	command = strings.TrimSpace(command)
	trimmed := strings.TrimLeft(line, " \t")
	indent := len(line) - len(trimmed)
	bad := strings.IndexFunc(strings.TrimRight(name, " \t"), func(r rune) bool { return !entryLine().MatchString(string(r) + ":x") })
	switch {
	case indent > 0 && entryLine().MatchString(trimmed):
		return at(indent, trimmed, "a line must not be indented")
	case indent > 0:
		return at(indent, "", "a line must not be indented: an entry is one line, NAME: COMMAND")
	case line[0] == '[' || assignment().ReplaceAllString(line, "$2") == "=":
		return at(0, "rename the file to Portfile", otherFile+", not a Procfile")
	case strings.HasPrefix(line, "-f "): // overmind
		return at(0, "devports reads one Procfile: copy the entries of "+strings.TrimSpace(line[3:]), "expected NAME: COMMAND")
	case !colon || name == "":
		return at(0, "web: "+strings.TrimSpace(strings.TrimPrefix(line, ":")), "expected NAME: COMMAND")
	case bad >= 0:
		char, _ := utf8.DecodeRuneInString(name[bad:])
		return at(bad, variableName(name)+": "+command, "a name has letters, digits, - and _, not %q", string(char))
	case command == "":
		return at(len(name)+1, name+": npm run dev", "%s has no command", name)
	}
	return at(len(strings.TrimRight(name, " \t")), strings.TrimSpace(name)+": "+command, "no space before the colon")
}
