package scaffold

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// php finds Laravel and Symfony applications, and the programs that the dev
// script of composer.json starts.
func php(t tree, dir string) (f findings) {
	if f = composerScript(t, dir); len(f.candidates) > 0 {
		return f
	}
	if t.exists(path.Join(dir, "artisan")) {
		s := serviceIn(dir, "artisan")
		s.Command, s.Note = "php artisan serve --port $PORT", "Laravel"
		f.add(s, names(dir, "web")...)
	} else if t.exists(path.Join(dir, "bin/console")) && t.exists(path.Join(dir, "public/index.php")) {
		s := serviceIn(dir, "public/index.php")
		s.Command, s.Note = "php -S 127.0.0.1:$PORT -t public", "Symfony"
		f.add(s, names(dir, "web")...)
	}
	return f
}

// composerScript finds the programs of the scripts dev, start or serve of
// composer.json (https://getcomposer.org/doc/articles/scripts.md).
func composerScript(t tree, dir string) (f findings) {
	file := path.Join(dir, "composer.json")
	src, ok := t.read(file)
	if !ok {
		return f
	}
	var m struct {
		Name    string
		Scripts map[string]any
	}
	if err := json.Unmarshal(src, &m); err != nil {
		f.leaveOut(file, "invalid JSON: %v", err)
		return f
	}
	f.packages = append(f.packages, m.Name)
	for _, script := range []string{"dev", "start", "serve"} {
		for _, line := range composerLines(m.Scripts, script, 5) {
			for _, p := range programsOf(line) {
				s := serviceIn(dir, "composer.json")
				s.Part, s.Command = "script "+script, p.command
				s.adopt(PortFlagIn(t.below(dir), p.command), file)
				name := p.name
				if name == "server" || name == "" {
					name = "web"
				}
				s.guessPort(name, s.Command)
				if printable(s.Command) {
					f.add(s, append(partNames(dir, name), name)...)
				}
			}
		}
		if len(f.candidates) > 0 {
			return f
		}
	}
	return f
}

// composerLines returns the shell commands of a script. "@php" runs PHP, and
// "@other" another script; calls of PHP classes are dropped.
func composerLines(scripts map[string]any, name string, depth int) (lines []string) {
	list, ok := scripts[name].([]any)
	if !ok {
		list = []any{scripts[name]}
	}
	for _, line := range texts(list) {
		rest, at := strings.CutPrefix(line, "@")
		word, _, _ := strings.Cut(rest, " ")
		switch {
		case at && (word == "php" || word == "composer"):
			lines = append(lines, rest)
		case at && word == "putenv":
		case at && depth > 0 && scripts[word] != nil:
			lines = append(lines, composerLines(scripts, word, depth-1)...)
		case !at && !strings.Contains(word, "\\") && !strings.Contains(word, "::"):
			lines = append(lines, line)
		}
	}
	return lines
}

// program is one of the programs that a shell line starts at once.
type program struct{ name, command string }

// programsOf returns the programs that a line starts at once with concurrently,
// with their names; a line without it is one program.
func programsOf(line string) []program {
	for _, c := range splitCommands(line) {
		inv := unwrap(c)
		if inv.program != "concurrently" && inv.program != "conc" {
			continue
		}
		var programs []program
		var names []string
		valued := []string{"-c", "--prefix-colors", "-n", "--names", "-p", "--prefix", "-l", "--prefix-length", "--restart-tries", "--restart-after", "-s", "--success", "-t", "--timestamp-format", "-m", "--max-processes"}
		for i := 0; i < len(inv.args); i++ {
			text := inv.args[i].text
			option, value, joined := strings.Cut(text, "=")
			isOption := strings.HasPrefix(text, "-")
			if isOption && !joined && slices.Contains(valued, text) && i+1 < len(inv.args) {
				i++
				value = inv.args[i].text
			}
			switch {
			case option == "-n" || option == "--names":
				names = strings.Split(value, ",")
			case !isOption:
				programs = append(programs, program{"", text})
			}
		}
		for i := range programs {
			if i < len(names) {
				programs[i].name = strings.TrimSpace(names[i])
			}
		}
		return programs
	}
	return []program{{"", line}}
}
