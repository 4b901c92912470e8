package scaffold

import (
	"path"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
)

// native returns the service of the project that runs the same program without
// Docker: choose gets the first known services in the directory of its code, the
// most likely first. A service with secrets needs their files in its container.
func (c *composer) native(s composed, known int, choose func(s composed, dir string, command call, here []int) (int, bool)) (int, bool) {
	dirs := s.dirs
	if len(dirs) == 0 {
		if !c.isOwnImage(s) {
			return 0, false
		}
		dirs = []string{"."}
	}
	for _, dir := range dirs {
		command := c.tree.call(dir, s.command)
		var here []int
		for i, n := range c.project.Services[:known] {
			if n.isIn(command.dir) || len(s.dirs) == 0 {
				here = append(here, i)
			}
		}
		if len(here) == 0 {
			continue
		}
		slices.SortStableFunc(here, func(a, b int) int { return c.rank(s, b) - c.rank(s, a) })
		if i, ok := choose(s, dir, command, here); ok {
			return i, ok
		}
	}
	return 0, false
}

// rank rates how likely a service of the project is the one of the compose file.
func (c *composer) rank(s composed, i int) int {
	n := c.project.Services[i]
	switch {
	case n.Name == s.name:
		return 3
	case n.Dir == "" && !n.NoPort:
		return 2
	case slices.Contains([]string{"web", "app", "server", "api", "backend"}, n.Name):
		return 1
	}
	return 0
}

// same chooses the service in here that runs the program of s.
func (c *composer) same(s composed, dir string, command call, here []int) (int, bool) {
	for _, i := range here {
		n := c.project.Services[i]
		if command.same(c.tree.call(path.Clean(n.Dir), n.Command)) {
			return i, true
		}
		// python app.py, instead of flask run
		if file := plainArgs(command.args); len(s.ports) > 0 && isInterpreter(command.program) && len(file) > 0 && path.Join(dir, file[0]) == n.Origin {
			return i, true
		}
	}
	return 0, false
}

// similar chooses a service in here for s that no container has yet, or makes a
// new one of the command of s.
func (c *composer) similar(s composed, dir string, command call, here []int) (int, bool) {
	free := slices.DeleteFunc(slices.Clone(here), func(i int) bool {
		for _, j := range c.paired {
			if i == j {
				return true
			}
		}
		return c.project.Services[i].NoPort
	})
	if inv, ok := lastInvocation(s.command); ok {
		if i, ok := c.devScript(s, command, inv, free); ok {
			return i, true
		}
		if !isServing(inv) || len(free) == 0 {
			if n, ok := c.processOf(s, dir, inv); ok {
				c.project.add(n, s.name, path.Base(dir)+"-"+s.name)
				return len(c.project.Services) - 1, true
			}
		}
		if len(s.ports) == 0 {
			return 0, false
		}
	}
	if len(free) == 0 {
		if s.command == "" {
			return here[0], true
		}
		return 0, false
	}
	return free[0], true
}

// devScript chooses a script of the package for a container that runs another
// of its usual scripts. For one that publishes a port and runs Node.js in
// another way, such as node dist/main.js, it chooses the only script that is no
// dev server: nest start.
func (c *composer) devScript(s composed, command call, inv invocation, free []int) (int, bool) {
	usual := slices.Contains(usualScripts, command.script)
	serves := len(s.ports) > 0 && !isWorker(s.name, s.command) && (isManager(inv.program) || slices.Contains(nodePrograms, inv.program))
	scripts := slices.DeleteFunc(slices.Clone(free), func(i int) bool {
		n := c.project.Services[i]
		return n.Origin != path.Join(command.dir, "package.json") || !usual && isServing(c.tree.call(path.Clean(n.Dir), n.Command).invocation)
	})
	if usual && len(scripts) > 0 || serves && len(scripts) == 1 {
		return scripts[0], true
	}
	return 0, false
}

// nodePrograms run a file of JavaScript or TypeScript.
var nodePrograms = []string{"node", "nodemon", "tsx", "ts-node", "ts-node-dev"}

// call is what a command runs in the end.
type call struct {
	invocation
	dir    string // that of its package
	script string // of the package.json in dir; "" for none
}

// call follows a command in dir to the program that it runs, through the
// scripts of the package.json there and its workspaces.
func (t tree) call(dir, line string) call {
	at := call{dir: dir}
	if m, exists, err := readManifest(t.fs, dir); exists && err == nil {
		if commands := splitCommands(line); len(commands) > 0 {
			if _, name, _ := scriptCall(commands[len(commands)-1]); name != "" && m.Scripts[name] != nil {
				at.script = name
			}
		}
		line = m.expand(line, 5)
		members := workspaces(t, dir, m, &findings{})
		if others := t.otherPackages(dir, members, line); len(others) == 1 && t.declares(others[0], members) {
			below, _, _ := readManifest(t.fs, others[0].dir)
			at.dir, at.script = others[0].dir, below.devScripts()[0]
		}
	}
	at.invocation, _ = lastInvocation(line)
	return at
}

// same reports whether two commands run the same: the same script, server or
// worker, or else the same program with the same arguments.
func (a call) same(b call) bool {
	if a.script != "" && a.script == b.script && a.dir == b.dir {
		return true
	}
	if a.program == "" || a.program != b.program && !(slices.Contains(nodePrograms, a.program) && slices.Contains(nodePrograms, b.program)) {
		return false
	}
	if isServing(a.invocation) && isServing(b.invocation) {
		return true
	}
	plainA, plainB := plainArgs(a.args), plainArgs(b.args)
	switch {
	case slices.Contains([]string{"artisan", "rails", "manage.py", "mix", "rake", "bundle"}, a.program): // programs with subcommands
		return len(plainA) > 0 && len(plainB) > 0 && plainA[0] == plainB[0]
	case slices.Contains(workerWords, a.program): // celery worker and celery beat differ, celery -A x and -A y do not
		for _, verb := range []string{"worker", "beat", "flower"} {
			if slices.Contains(plainA, verb) != slices.Contains(plainB, verb) {
				return false
			}
		}
		return true
	}
	return a.dir == b.dir && slices.Equal(plainA, plainB)
}

// plainArgs returns the arguments that are not options.
func plainArgs(args []word) (plain []string) {
	for _, a := range args {
		if !strings.HasPrefix(a.text, "-") {
			plain = append(plain, a.text)
		}
	}
	return plain
}

func lastInvocation(line string) (invocation, bool) {
	commands := splitCommands(line)
	if len(commands) == 0 {
		return invocation{}, false
	}
	return unwrap(commands[len(commands)-1]), true
}

// portable are programs that run inside and outside of a container alike; the
// value is the prefix that finds them.
var portable = map[string]string{
	"celery": "python", "flask": "python", "uvicorn": "python", "gunicorn": "python", "manage.py": "python", "rq": "python", "dramatiq": "python", "huey_consumer": "python", "arq": "python", "streamlit": "python", "fastapi": "python", "python": "python", "python3": "python", "flower": "python",
	"node": "", "npm": "", "pnpm": "", "yarn": "", "bun": "", "nodemon": "npx ", "tsx": "npx ", "ts-node": "npx ", "ts-node-dev": "npx ",
	"rails": "", "sidekiq": "", "puma": "", "rake": "", "bundle": "", "artisan": "", "php": "", "mix": "",
}

// processOf returns the command of a compose service as a process in dir.
func (c *composer) processOf(s composed, dir string, inv invocation) (Service, bool) {
	prefix, ok := portable[inv.program]
	commands := splitCommands(s.command)
	if !ok || !printable(s.command) || hasComposeVariable(s.command) || slices.ContainsFunc(commands, func(sc simpleCommand) bool {
		return slices.ContainsFunc(sc.words, func(w word) bool { return strings.HasPrefix(w.text, "/") })
	}) {
		return Service{}, false
	}
	command := strings.ReplaceAll(s.command, "$$", "$")
	if interpreter := c.tree.interpreter(dir); prefix == "python" && len(commands) == 1 {
		if !strings.HasPrefix(command, strings.TrimSpace(interpreter)+" ") || interpreter == "" {
			command = c.tree.python(dir, command)
		}
	} else if prefix == "npx " && strings.HasPrefix(command, inv.program) {
		command = prefix + command
	}
	n := serviceIn(dir, "")
	n.Origin, n.Part, n.Command = c.file.files[0], "service "+s.name, command
	n.adopt(PortFlag(command), n.Origin)
	n.Pin, n.Remarks = 0, nil
	if i := strings.Index(n.Command, "--port="); len(s.ports) > 0 && i >= 0 && !mentionsPort(n.Command) {
		rest := strings.TrimLeft(n.Command[i+len("--port="):], "0123456789")
		n.Command = n.Command[:i] + "--port=$PORT" + rest
	}
	if !mentionsPort(n.Command) && (len(s.ports) == 0 || isWorker(s.name, n.Command)) {
		n.NoPort, n.Worker = true, true
	} else if !mentionsPort(n.Command) {
		n.Ready = "none"
	}
	return n, true
}

// isOwnImage reports whether a service runs the published image of this very
// project.
func (c *composer) isOwnImage(s composed) bool {
	name, _, _ := strings.Cut(path.Base(s.image), ":")
	name, _, _ = strings.Cut(name, "@")
	return name != "" && name != "." && len(c.project.Services) > 0 && slices.ContainsFunc(c.packages, func(p string) bool { return path.Base(p) == name })
}

// isIn reports whether a service runs in a directory, or below it.
func (s Service) isIn(parent string) bool {
	dir := path.Clean(s.Dir)
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// rename gives a process the name of its container, unless it stands for the
// project.
func (c *composer) rename(s composed, i int) {
	if n := &c.project.Services[i]; n.Dir != "" && n.Origin != c.file.files[0] {
		others := Project{Services: slices.Delete(slices.Clone(c.project.Services), i, i+1)}
		if name := serviceName(s.name); name != "" && !others.taken(allocator.PortName{Service: name}) {
			n.Name = name
		}
	}
}

// environment gives a process the environment of its container, and its
// readiness check.
func (c *composer) environment(s composed, i int) {
	hosts := c.hosts()
	n := &c.project.Services[i]
	for _, on := range s.dependsOn {
		if k := c.kept[on]; k != nil {
			c.reach(k, 0)
		}
	}
	env, _ := rewriteEnv(s.env, hosts)
	for _, v := range env {
		if !slices.ContainsFunc(n.Env, func(o Variable) bool { return o.Name == v.Name }) {
			n.Env = append(n.Env, v)
		}
	}
	if n.Origin == c.file.files[0] {
		n.Command = rewriteHosts(n.Command, hosts)
	} else if len(n.Env) > 0 {
		n.Remarks = append(n.Remarks, "Its environment comes from "+c.origin(s)+".")
	}
	if path, ok := healthPath(s.health); ok && n.Ready == "" && !n.NoPort {
		n.Ready = "http:" + path
	}
}

// healthPath returns the path of a health check that sends a request to the
// service itself: curl -f http://localhost:3000/healthz.
func healthPath(check string) (p string, ok bool) {
	for _, c := range splitCommands(check) {
		for _, w := range c.words {
			for _, local := range []string{"http://localhost", "http://127.0.0.1", "http://0.0.0.0"} {
				rest, found := strings.CutPrefix(w.text, local)
				if rest = strings.TrimLeft(rest, ":0123456789"); found && (rest == "" || rest[0] == '/') && quoteSh("x"+rest) == "x"+rest {
					return "/" + strings.TrimLeft(rest, "/"), true
				}
			}
		}
	}
	return "", false
}
