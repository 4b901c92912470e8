package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// node finds the dev scripts of the package in dir and of its workspaces.
func node(t tree, dir string) (f findings) {
	file := path.Join(dir, "package.json")
	m, exists, err := readManifest(t.fs, dir)
	if !exists || strings.Contains(dir, "/") && t.hasWorkspaces() {
		return f
	}
	if err != nil {
		f.leaveOut(file, "invalid JSON: %v", err)
		return f
	}
	f.packages = append(f.packages, m.Name)
	manager := t.manager(dir, m)
	f.visited = workspaces(t, dir, m, &f)
	members := f.visited
	if chosen := m.rootScript(); chosen != "" {
		text, _ := m.script(chosen)
		var selected []string
		for _, line := range m.lines(text) {
			for _, p := range t.otherPackages(dir, members, line) {
				if slices.Contains(members, p.dir) && !slices.Contains(selected, p.dir) {
					selected = append(selected, p.dir)
				}
			}
		}
		if len(selected) > 0 {
			others := slices.DeleteFunc(slices.Clone(members), func(w string) bool {
				other, _, err := readManifest(t.fs, w)
				return slices.Contains(selected, w) || err != nil || len(other.devScripts()) == 0
			})
			if len(others) > 0 {
				f.leaveOut(strings.Join(few(others, 3, "others"), ", "), "%s does not start them", scriptName(file, chosen))
			}
			members = slices.DeleteFunc(slices.Clone(members), func(w string) bool { return !slices.Contains(selected, w) })
		}
	}
	packages(t, members, manager, &f)
	scripts(t, dir, m, manager, len(f.candidates) > 0, &f)
	return f
}

// rootScript returns the script for development that may start workspaces: the
// usual one, or else one such as concurrently:dev that starts several programs.
func (m manifest) rootScript() string {
	if chosen := m.devScripts(); len(chosen) > 0 {
		if len(chosen) == 1 {
			return chosen[0]
		}
		return ""
	}
	for _, name := range m.scriptNames() {
		if text, _ := m.script(name); startsSeveral(text) && (strings.HasSuffix(name, ":dev") || strings.HasSuffix(name, "-dev")) {
			return name
		}
	}
	return ""
}

// packages adds the dev scripts of workspaces. It reports all workspaces
// without one together, because most libraries have none.
func packages(t tree, dirs []string, manager string, f *findings) {
	var without []string
	for _, dir := range dirs {
		file := path.Join(dir, "package.json")
		m, _, err := readManifest(t.fs, dir)
		switch {
		case err != nil:
			f.leaveOut(file, "invalid JSON: %v", err)
		case len(m.devScripts()) == 0:
			without = append(without, dir)
		default:
			f.packages = append(f.packages, m.Name)
			scripts(t, dir, m, manager, false, f)
		}
	}
	switch n := len(without); {
	case n == 1:
		f.leaveOut(without[0], "this workspace has no script named dev, start or serve")
	case n > 1:
		f.leaveOut(fmt.Sprintf("%s and %d more", without[0], n-1), "these workspaces have no script named dev, start or serve")
	}
}

// scripts adds a package's scripts for development. parts means that its
// workspaces have some, too.
func scripts(t tree, dir string, m manifest, manager string, parts bool, f *findings) {
	file := path.Join(dir, "package.json")
	chosen := m.devScripts()
	if root := m.rootScript(); parts && len(chosen) == 0 && root != "" {
		chosen = []string{root}
	}
	if len(chosen) == 0 {
		if !parts {
			f.leaveOut(file, "it has no script named dev, start or serve")
		}
		return
	}
	only := len(chosen) == 1
	declared := func(p otherPackage) bool { return t.declares(p, f.visited) }
	if text, _ := m.script(chosen[0]); only && startsSeveral(text) {
		several := m.startedBy(text)
		if len(several) == 0 && (parts || slices.ContainsFunc(t.otherPackages(dir, f.visited, text), declared)) {
			f.leaveOut(scriptName(file, chosen[0]), "it starts several services, which are declared one by one")
			return
		}
		if len(several) > 0 {
			chosen, only = several, false
		}
	} else if chosen[0] == "dev" {
		for _, name := range m.scriptNames() {
			if strings.HasPrefix(name, "dev:") {
				f.leaveOut(scriptName(file, name), "the script dev takes precedence")
			}
		}
	}
	for _, name := range m.scriptNames() {
		if text, _ := m.script(name); slices.Contains(usualScripts, name) && !slices.Contains(chosen, name) {
			if message, says := saysOnly(text); says {
				f.leaveOut(scriptName(file, name), "it only prints %q", message)
			}
		}
	}
	for _, name := range chosen {
		text, _ := m.script(name)
		others := t.otherPackages(dir, f.visited, m.expand(text, 5))
		if len(others) > 0 && !slices.ContainsFunc(others, func(p otherPackage) bool { return !declared(p) }) {
			var dirs []string
			for _, p := range others {
				dirs = append(dirs, p.dir)
			}
			if dirs = unique(dirs); len(dirs) == 1 {
				f.leaveOut(scriptName(file, name), "%s is a service of its own", dirs[0])
			} else {
				f.leaveOut(scriptName(file, name), "%s are services of their own", strings.Join(dirs, ", "))
			}
			continue
		}
		if program := m.runsOnce(text, 5); program != "" {
			f.leaveOut(scriptName(file, name), "%s runs once and exits: it is not a service", program)
			continue
		}
		addScript(dir, m, manager, name, only, f)
	}
}

// addScript adds one script; only means that it is the package's only one.
func addScript(dir string, m manifest, manager, name string, only bool, f *findings) {
	text, _ := m.script(name)
	s := serviceIn(dir, "package.json")
	s.Command = manager + " run " + quoteSh(name)
	server := m.portFlag(s.Command, 5)
	s.adopt(server, s.Origin)
	s.Part = "script " + name
	part := name[strings.LastIndexByte(name, ':')+1:]
	if !listens(text) && server == (Server{}) && (isWorker(part, text) || rebuilds(m.expand(text, 5))) {
		s.NoPort, s.Worker = true, true
	}
	if startsSeveral(text) {
		s.Remarks = append(s.Remarks, "It starts several programs, which share one PORT. Declare a service for each to give each its own.")
	}
	if only {
		f.add(s, names(dir, "web", "frontend")...)
		return
	}
	f.add(s, append(names(dir, part), name)...)
}

func scriptName(file, name string) string { return file + ", script " + clean(name) }

// usualScripts are the usual names of a script for development, the best first.
var usualScripts = []string{"dev", "develop", "start:dev", "start", "serve"}

// devScripts returns the scripts for development: dev, or its variants, or a
// script with another usual name. A script that only prints a message, such as
// what to use instead, does not count.
func (m manifest) devScripts() []string {
	usable := func(name string) bool {
		text, ok := m.script(name)
		_, says := saysOnly(text)
		return ok && !says
	}
	if usable("dev") {
		return []string{"dev"}
	}
	var variants []string
	for _, name := range m.scriptNames() {
		if part, ok := strings.CutPrefix(name, "dev:"); ok && usable(name) && !slices.Contains(notServices, part) {
			variants = append(variants, name)
		}
	}
	if len(variants) > 0 {
		return variants
	}
	for _, name := range usualScripts[1:] {
		if usable(name) {
			return []string{name}
		}
	}
	return nil
}
