package procfile

import (
	"regexp"
	"strings"
	"sync"
)

// entryLine is foreman's grammar for a line of a Procfile.
var entryLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)
})

// parseProcfile reads a Procfile. A line that is neither an entry, blank nor a
// comment is a problem: other tools skip it, and then one service never starts.
func parseProcfile(name string, src []byte) (File, Problems) {
	f := File{Name: name, Procfile: true}
	var problems Problems
	lines := map[string]int{} // of each service
	for i, line := range strings.Split(string(src), "\n") {
		line = strings.TrimSuffix(line, "\r")
		start := Position{i + 1, 1}
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		m := entryLine().FindStringSubmatch(line)
		if m == nil || strings.TrimSpace(m[2]) == "" {
			problems = append(problems, problemf(name, start, "web: npm run dev", "expected NAME: COMMAND"))
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
		s.Command.Shell = strings.TrimSpace(m[2])
		s.Ready = "none" // a Procfile cannot declare a process without a port
		f.Services = append(f.Services, s)
	}
	if len(f.Services) == 0 && len(problems) == 0 {
		problems = Problems{problemf(name, Position{1, 1}, "web: npm run dev", "no services: a Procfile declares one per line")}
	}
	return f, problems
}
