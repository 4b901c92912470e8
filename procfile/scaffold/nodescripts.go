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
		case isManager(program) && slices.ContainsFunc(c.words, func(w word) bool {
			return slices.Contains([]string{"-r", "--recursive", "--parallel", "--workspaces", "-ws", "workspaces"}, w.text)
		}):
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
	commands := splitCommands(script)
	for i, c := range commands {
		if i+1 < len(commands) && strings.Contains(script[c.end():commands[i+1].words[0].start], "&&") {
			continue // it only prepares
		}
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
		if _, name, _ := scriptCall(c); name != "" && len(selectors(c)) == 0 && m.Scripts[name] != nil && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

// entersDirectory returns the directory that a script changes to, or "".
func entersDirectory(script string) string {
	for _, c := range splitCommands(script) {
		for i, w := range c.words[:len(c.words)-1] {
			into := []string{"--prefix", "-C", "--dir", "--cwd"}
			if i == 0 && w.text == "cd" || isManager(c.words[0].text) && slices.Contains(into, w.text) {
				return c.words[i+1].text
			}
		}
	}
	return ""
}

// startsDirectories reports whether a script starts services in directories
// that Detect searches: concurrently "cd api && npm start" "cd web && npm
// start".
func (t tree) startsDirectories(dir, script string, visited []string) bool {
	for _, c := range splitCommands(script) {
		for _, w := range c.words {
			if below := path.Join(dir, entersDirectory(w.text)); below != dir && t.startable(below, visited) {
				return true
			}
		}
	}
	return false
}

// startable reports whether Detect searches dir and finds a script there.
func (t tree) startable(dir string, visited []string) bool {
	m, exists, err := readManifest(t.fs, dir)
	return exists && err == nil && len(m.devScripts()) > 0 && (slices.Contains(t.directories(), dir) || slices.Contains(visited, dir))
}
