package procfile

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// splitEntry splits an entry of a Procfile by foreman's grammar, which is the
// regular expression ^([A-Za-z0-9_-]+):\s*(.+)$. To compile that would take
// longer than to read a Procfile.
func splitEntry(line string) (name, command string, ok bool) {
	const digits = "0123456789"
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	name, command, _ = strings.Cut(line, ":")
	if name == "" || command == "" || strings.Trim(name, letters+digits+"_-") != "" {
		return "", "", false
	}
	return name, cmp.Or(strings.TrimLeft(command, "\t\f\r "), command[len(command)-1:]), true
}

// isEntry reports whether a line is an entry of a Procfile.
func isEntry(line string) bool {
	_, _, ok := splitEntry(line)
	return ok
}

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
		service, command, ok := splitEntry(line)
		if !ok || strings.TrimSpace(command) == "" {
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
		if before, taken := lines[service]; taken {
			problems = append(problems, problemf(name, start, "", "%s is already defined on line %d", quote(service), before))
			continue
		}
		lines[service] = start.Line
		s := newService(service, start)
		s.Command = Command{Shell: strings.TrimSpace(command), Pos: Position{Line: start.Line, Column: 1 + strings.LastIndex(line, command)}, verbatim: true}
		s.Ready = "none" // a Procfile cannot declare a process without a port
		f.Services = append(f.Services, s)
	}
	if len(f.Services) == 0 && len(problems) == 0 {
		problems = Problems{problemf(name, Position{Line: 1, Column: 1}, "web: npm run dev", "no services: a Procfile declares one per line")}
	}
	return f, problems
}

const otherFile = "this is a Portfile"

// notEntry is the problem of a line that is not an entry, at the position of
// its fault, with the corrected line as the hint.
func notEntry(file string, number int, line string) Problem {
	at := func(offset int, hint, format string, args ...any) Problem {
		return problemf(file, Position{Line: number, Column: offset + 1}, hint, format, args...)
	}
	name, command, colon := strings.Cut(line, ":")
	command = strings.TrimSpace(command)
	trimmed := strings.TrimLeft(line, " \t")
	indent := len(line) - len(trimmed)
	bad := strings.IndexFunc(strings.TrimRight(name, " \t"), func(r rune) bool { return !isEntry(string(r) + ":x") })
	switch {
	case indent > 0 && isEntry(trimmed):
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
