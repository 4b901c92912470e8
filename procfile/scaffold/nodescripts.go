package scaffold

import (
	"path"
	"slices"
	"strings"
)

// notServices are the names of programs and scripts that run once.
var notServices = []string{
	"build", "clean", "setup", "install", "test", "lint", "format", "check", "typecheck", "migrate", "migrations", "migration",
	"seed", "generate", "codegen", "gen", "release", "deploy", "bench", "benchmark", "debug", "prod", "stop", "down", "reset",
	"cli", "ctl", "tool", "xtask", "doc", "docgen", "e2e",
}

// startsSeveral reports whether a script starts more than one program, or the
// scripts of other packages.
func startsSeveral(script string) bool {
	commands := splitCommands(script)
	for i, c := range commands {
		program := unwrap(c).program
		switch {
		case slices.Contains([]string{"concurrently", "conc", "npm-run-all", "npm-run-all2", "run-p", "turbo", "nx", "lerna", "wsrun", "wireit", "mprocs", "foreman", "nf", "overmind", "honcho"}, program):
			return true
		case isManager(program) && runsAll(c):
			return true
		case i > 0 && strings.Contains(strings.ReplaceAll(script[commands[i-1].end():c.words[0].start], "&&", ""), "&"):
			return true
		}
	}
	return false
}

// startedBy returns the scripts of the package that a script starts by name:
// "npm run api", "npm:api", "dev:*".
func (m manifest) startedBy(script string) []string {
	var found []string
	for _, c := range kept(script) {
		program := unwrap(c).program
		byName := program == "run-p" || strings.HasPrefix(program, "npm-run-all")
		for _, w := range c.words {
			pattern := w.text
			if call := splitCommands(w.text); len(call) == 1 && len(call[0].words) > 1 {
				_, pattern, _ = scriptCall(call[0])
			} else if manager, name, ok := strings.Cut(w.text, ":"); ok && isManager(manager) {
				pattern = name
			} else if !byName {
				continue
			}
			for _, name := range m.scriptNames() {
				if ok, err := path.Match(pattern, name); (ok || name == pattern) && err == nil && !slices.Contains(found, name) {
					found = append(found, name)
				}
			}
		}
		if _, name, _ := scriptCall(c); m.Scripts[name] != nil && len(entered(script)) == 0 && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

// kept returns the commands of a script without those that only prepare the
// next one: the first of "a && b".
func kept(script string) []simpleCommand {
	commands := splitCommands(script)
	var kept []simpleCommand
	for i, c := range commands {
		if i+1 == len(commands) || !strings.Contains(script[c.end():commands[i+1].words[0].start], "&&") {
			kept = append(kept, c)
		}
	}
	return kept
}

// lines returns a script of the package, and those that it starts.
func (m manifest) lines(script string) []string {
	list := []string{m.expand(script, 5)}
	for i := 0; i < len(list); i++ {
		for _, name := range m.startedBy(list[i]) {
			text, _ := m.script(name)
			if text = m.expand(text, 5); !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
	}
	return list
}

// inOtherPackages reports whether a command of a package manager runs the
// scripts of other packages than that of its directory.
func inOtherPackages(c simpleCommand) bool {
	return directoryOption(c) != "" || len(selectors(c)) > 0 || runsAll(c)
}

// runsAll reports whether a command of a package manager runs a script in every
// workspace.
func runsAll(c simpleCommand) bool {
	return slices.ContainsFunc(c.words, func(w word) bool {
		return slices.Contains([]string{"-r", "--recursive", "--parallel", "--workspaces", "-ws", "workspaces"}, w.text)
	})
}

// directoryOption returns the directory that an option of a package manager
// names: npm --prefix web, yarn --cwd=web.
func directoryOption(c simpleCommand) string {
	if !isManager(c.words[0].text) {
		return ""
	}
	for i, w := range c.words {
		option, value, joined := strings.Cut(w.text, "=")
		switch {
		case !slices.Contains([]string{"--prefix", "-C", "--dir", "--cwd"}, option):
		case joined:
			return value
		case i+1 < len(c.words):
			return c.words[i+1].text
		}
	}
	return ""
}

// entered returns the directories that a script changes to.
func entered(script string) (dirs []string) {
	for _, c := range splitCommands(script) {
		if c.words[0].text == "cd" && len(c.words) > 1 {
			dirs = append(dirs, c.words[1].text)
		}
	}
	for _, c := range kept(script) {
		if dir := directoryOption(c); dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// otherPackage is a package that a script in another directory starts with
// line.
type otherPackage struct{ dir, line string }

// otherPackages returns the packages that a script of the one in dir starts: it
// changes to their directories, or selects them from the workspaces by name. It
// returns none if it cannot resolve a name.
func (t tree) otherPackages(dir string, workspaces []string, script string) (packages []otherPackage) {
	lines := []string{script}
	for _, c := range kept(script) {
		for _, w := range c.words {
			if strings.ContainsRune(w.text, ' ') { // an argument of concurrently
				lines = append(lines, w.text)
			}
		}
	}
	for _, line := range lines {
		for _, into := range entered(line) {
			if below := path.Join(dir, into); below != dir {
				packages = append(packages, otherPackage{below, line})
			}
		}
		for _, c := range kept(line) {
			for _, name := range selectors(c) {
				found := t.named(dir, workspaces, name)
				if len(found) == 0 {
					return nil
				}
				for _, w := range found {
					packages = append(packages, otherPackage{w, line})
				}
			}
		}
	}
	return packages
}

// named returns the workspaces that a name or pattern selects.
func (t tree) named(dir string, workspaces []string, name string) (found []string) {
	if strings.HasPrefix(name, "!") {
		return nil
	}
	name = strings.Trim(name, ".^{}")
	for _, w := range workspaces {
		m, _, err := readManifest(t.fs, w)
		matches, badPattern := path.Match(name, m.Name)
		if err == nil && (m.Name == name || matches && badPattern == nil || path.Base(m.Name) == name || path.Join(dir, strings.TrimPrefix(name, "/")) == w) {
			found = append(found, w)
		}
	}
	return found
}

// declares reports whether Detect searches the directory of a package, and
// finds the script for development there that the line starts.
func (t tree) declares(p otherPackage, visited []string) bool {
	m, exists, err := readManifest(t.fs, p.dir)
	if !exists || err != nil || len(m.devScripts()) == 0 || !slices.Contains(t.directories(), p.dir) && !slices.Contains(visited, p.dir) {
		return false
	}
	named, usual := false, false
	for _, c := range kept(p.line) {
		for _, w := range c.words {
			if m.Scripts[w.text] != nil {
				kind, _, _ := strings.Cut(w.text, ":")
				named, usual = true, usual || slices.Contains(usualScripts, kind)
			}
		}
	}
	return usual || !named
}
