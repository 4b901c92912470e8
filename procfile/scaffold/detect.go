package scaffold

import (
	"io/fs"
	"slices"
	"strings"
)

// Detect finds the services of the directory fsys. Files that it cannot read or
// parse are in LeftOut with the reason, like everything else that it skips.
func Detect(fsys fs.FS) Project {
	t := newTree(fsys)
	found := merge(t)
	p := project(found)
	compose(t, &p, found.packages)
	for _, left := range []findings{tasksBeside(t, &p), unreadRunners(t), *t.unread} {
		p.LeftOut = append(p.LeftOut, left.leftOut...)
	}
	if len(p.Services) == 0 && t.exists("index.html") {
		p.add(Service{Origin: "index.html", Command: PortFlag("python3 -m http.server").Command}, "web")
	}
	p.resolveConflicts()
	p.Steps = installSteps(t, p)
	return p
}

// Looked lists the best-known files that Detect looks for.
var Looked = []string{
	"Procfile.dev", "Procfile", "package.json", "compose.yaml", "go.mod", "Cargo.toml",
	"manage.py", "app.py", "bin/rails", "config.ru", "composer.json", "mix.exs", "pom.xml", "*.csproj", "deno.json", "Makefile",
}

// merge decides between the sources that declare services: the file of a
// process runner wins over a Procfile, and both win over guesses. A Procfile
// for deployment loses against the sources.
func merge(t tree) findings {
	guessed := search(t)
	declared, production := runners(t), false
	procfile, deployed := procfiles(t)
	if len(declared.candidates) == 0 {
		leftOut := declared.leftOut
		declared, production = procfile, deployed
		declared.leftOut = append(leftOut, declared.leftOut...)
	} else {
		for _, origin := range procfile.origins() {
			declared.leaveOut(origin, "%s takes precedence", declared.candidates[0].Origin)
		}
	}
	return mergeProcfile(declared, production, guessed)
}

// search runs all ecosystems on all directories. Files of a directory that
// another one covers, such as a workspace's, are not searched again.
func search(t tree) (all findings) {
	for _, dir := range t.directories() {
		if slices.Contains(all.visited, dir) {
			continue
		}
		for _, e := range ecosystems {
			all.include(e(t, dir))
		}
	}
	entries, _ := fs.ReadDir(t.fs, ".")
	for _, e := range entries {
		if e.IsDir() && strings.Contains(e.Name(), "{{") {
			all.leaveOut(clean(e.Name()), "a template for new projects")
		}
	}
	return all
}

// tasksBeside adds the task for development if nothing else was found.
func tasksBeside(t tree, p *Project) findings {
	f := tasks(t, len(p.Services) > 0)
	for _, c := range f.candidates {
		p.add(c.Service, c.names...)
	}
	return f
}

// project gives the candidates their names. Of two that start the same script
// in the same directory, the first counts.
func project(f findings) Project {
	p := Project{LeftOut: f.leftOut, Ignore: unique(f.ignore)}
	for _, v := range f.env {
		p.setEnv(v)
	}
	type call struct{ dir, script string }
	started := map[call]string{}
	for _, c := range f.candidates {
		if !printable(c.Origin) || strings.ContainsRune(c.Command, 0) || strings.TrimSpace(c.Command) == "" {
			continue
		}
		k := call{c.Dir, startedScript(c.Command)}
		if by := started[k]; by != "" && k.script != "" {
			p.leaveOut(c.Origin+", "+c.Part, "%s starts it", by)
			continue
		}
		name := p.add(c.Service, c.names...)
		started[k] = name
	}
	for i, c := range p.Services { // names in depends_on may have changed
		for j, on := range c.DependsOn {
			p.Services[i].DependsOn[j] = serviceName(on)
		}
	}
	return p
}

// startedScript returns the script of package.json that a command starts in its
// directory.
func startedScript(command string) string {
	if len(entered(command)) > 0 {
		return ""
	}
	for _, c := range splitCommands(command) {
		if manager, name, _ := scriptCall(c); manager != "" {
			return name
		}
	}
	return ""
}
