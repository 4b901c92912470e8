package scaffold

import (
	"path"
	"slices"
	"strings"
)

// node adds the dev script of the package in dir, and those of its workspaces.
func (d *detector) node(dir string) {
	file := path.Join(dir, "package.json")
	m, exists, err := readManifest(d.fs, dir)
	if !exists {
		return
	}
	if err != nil {
		d.project.leaveOut(file, "invalid JSON: %v", err)
		return
	}
	before := len(d.project.Services)
	manager := d.manager(dir, m)
	workspaces := d.workspaces(dir, m)
	d.packages(workspaces, manager)
	d.visited = append(d.visited, workspaces...)
	parts := len(d.project.Services) > before
	d.scripts(dir, m, manager, parts)
}

// scripts adds a package's scripts for development.
func (d *detector) scripts(dir string, m manifest, manager string, parts bool) {
	file := path.Join(dir, "package.json")
	chosen := m.devScripts()
	if len(chosen) == 0 {
		if !parts {
			d.project.leaveOut(file, "it has no script named dev, start or serve")
		}
		return
	}
	if text, _ := m.script(chosen[0]); len(chosen) == 1 && startsSeveral(text) {
		several := m.startedBy(text)
		if len(several) == 0 && (parts || d.startsDirectories(dir, text)) {
			d.project.leaveOut(scriptName(file, chosen[0]), "it starts several services, which are declared one by one")
			return
		}
		if len(several) > 0 {
			chosen = several
		}
	} else if chosen[0] == "dev" {
		for _, name := range m.scriptNames() {
			if strings.HasPrefix(name, "dev:") {
				d.project.leaveOut(scriptName(file, name), "the script dev takes precedence")
			}
		}
	}
	for _, name := range chosen {
		text, _ := m.script(name)
		if below := path.Join(dir, entersDirectory(text)); below != dir && d.startable(below) {
			d.project.leaveOut(scriptName(file, name), "%s is a service of its own", below)
			continue
		}
		d.script(dir, m, manager, name, len(chosen) == 1)
	}
}

// script adds one script; only means that it is the package's only one.
func (d *detector) script(dir string, m manifest, manager, name string, only bool) {
	text, _ := m.script(name)
	s := d.service(dir, "package.json")
	s.Command = manager + " run " + quoteSh(name)
	server := m.portFlag(s.Command, 5)
	s.adopt(server, s.Origin)
	s.Part = "script " + name
	part := name[strings.LastIndexByte(name, ':')+1:]
	if !listens(text) && server == (Server{}) && isWorker(part, text) {
		s.NoPort, s.Worker = true, true
	}
	if startsSeveral(text) {
		s.Remarks = append(s.Remarks, "It starts several programs, which share one PORT. Declare a service for each to give each its own.")
	}
	if only {
		d.project.add(s, names(dir, "web", "frontend")...)
		return
	}
	d.project.add(s, append(names(dir, part), name)...)
}

func scriptName(file, name string) string { return file + ", script " + clean(name) }

// devScripts returns the scripts for development: dev, or its variants, or a
// script with another usual name.
func (m manifest) devScripts() []string {
	if _, ok := m.script("dev"); ok {
		return []string{"dev"}
	}
	var variants []string
	for _, name := range m.scriptNames() {
		if part, ok := strings.CutPrefix(name, "dev:"); ok && !slices.Contains(notServices, part) {
			variants = append(variants, name)
		}
	}
	if len(variants) > 0 {
		return variants
	}
	for _, name := range []string{"develop", "start:dev", "start", "serve"} {
		if _, ok := m.script(name); ok {
			return []string{name}
		}
	}
	return nil
}

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
	for _, c := range splitCommands(script) {
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
		if _, name, _ := scriptCall(c); name != "" && m.Scripts[name] != nil && !slices.Contains(found, name) {
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
func (d *detector) startsDirectories(dir, script string) bool {
	for _, c := range splitCommands(script) {
		for _, w := range c.words {
			if below := path.Join(dir, entersDirectory(w.text)); below != dir && d.startable(below) {
				return true
			}
		}
	}
	return false
}

// startable reports whether Detect searches dir and finds a script there.
func (d *detector) startable(dir string) bool {
	m, exists, err := readManifest(d.fs, dir)
	return exists && err == nil && len(m.devScripts()) > 0 && (slices.Contains(d.subdirectories(), dir) || slices.Contains(d.visited, dir))
}
