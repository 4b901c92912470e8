package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/allocator"
)

// Step is a step of the setup: a command that installs what services need.
type Step struct {
	Name    string
	Command string // for the shell
	Dir     string // "" is the directory itself
	Lock    string // the file that lists what it installs, relative to the directory
	Creates string // relative to the directory; "": outside of the project
}

// installers install what a lock file lists. Only a lock file makes sure that a
// step installs the same each time.
var installers = []struct{ lock, command, creates string }{
	{"pnpm-lock.yaml", "pnpm install --frozen-lockfile", "node_modules"},
	{"yarn.lock", "yarn install", "node_modules"},
	{"bun.lock", "bun install --frozen-lockfile", "node_modules"},
	{"bun.lockb", "bun install --frozen-lockfile", "node_modules"},
	{"package-lock.json", "npm ci", "node_modules"},
	{"composer.lock", "composer install", "vendor"},
	{"Gemfile.lock", "bundle install", ""},
	{"uv.lock", "uv sync", ".venv"},
	{"mix.lock", "mix deps.get", "deps"},
}

// managers are the package managers of Node.js.
var managers = []string{"npm", "pnpm", "yarn", "bun"}

// users are the programs that use what is installed.
var users = map[string][]string{
	"node_modules": append([]string{"npx", "pnpx", "bunx"}, append(nodePrograms, managers...)...),
	"vendor":       {"php", "artisan", "composer"},
	"":             {"bundle", "rails", "rake", "ruby", "rackup", "puma", "sidekiq"},
	".venv":        {"uv", "python", "python3", "manage.py"},
	"deps":         {"mix", "iex"},
}

// installSteps returns the steps for the services of a project: for each, the
// nearest lock file for the programs that it runs, in its directory or above.
func installSteps(t tree, p Project) (steps []Step) {
	for _, s := range p.Services {
		programs := calledBy(s.Command)
		calls := func(names []string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(programs, name) })
		}
		var dirs []string
		for _, into := range append(entered(s.Command), ".") {
			if dir := path.Join(s.Dir, into); t.isDir(dir) {
				dirs = append(dirs, upward(dir)...)
			}
		}
		done := map[string]bool{} // by what is created: yarn.lock is not used beside pnpm-lock.yaml
		for _, dir := range dirs {
			for _, i := range installers {
				lock := path.Join(dir, i.lock)
				manager, _, _ := strings.Cut(i.command, " ")
				if i.creates == "node_modules" && calls(managers) && !calls([]string{manager}) {
					continue // a lock file of a package manager that is not used any more
				}
				if done[i.creates] || !calls(users[i.creates]) || !t.exists(lock) {
					continue
				}
				done[i.creates] = true
				step := Step{Command: i.command, Lock: lock}
				if i.creates != "" {
					step.Creates = path.Join(dir, i.creates)
				}
				if i.lock == "yarn.lock" && t.plugAndPlay(dir) {
					step.Creates = path.Join(dir, ".pnp.cjs")
				}
				if dir != "." {
					step.Dir = dir
				}
				if !slices.ContainsFunc(steps, func(known Step) bool { return known.Lock == lock }) && printable(lock) && !strings.ContainsAny(lock, `*?[]{}\!`) {
					steps = append(steps, step)
				}
			}
		}
	}
	taken := func(name string) bool {
		return p.taken(allocator.PortName{Service: name}) || slices.ContainsFunc(steps, func(s Step) bool { return s.Name == name })
	}
	for i := range steps {
		s := &steps[i]
		name := "deps"
		if s.Dir != "" {
			name = serviceName(strings.ReplaceAll(s.Dir, "/", "-") + "-deps")
		}
		for n := 2; name == "" || taken(name); n++ {
			name = fmt.Sprintf("deps-%d", n)
		}
		s.Name = name
	}
	return steps
}

// plugAndPlay reports whether Yarn installs a file that finds packages, instead
// of node_modules: the default since Yarn 2, whose lock file has metadata
// (https://yarnpkg.com/configuration/yarnrc#nodeLinker).
func (t tree) plugAndPlay(dir string) bool {
	var settings struct {
		NodeLinker string `yaml:"nodeLinker"`
	}
	if yaml.Unmarshal([]byte(t.text(path.Join(dir, ".yarnrc.yml"))), &settings) == nil && settings.NodeLinker != "" {
		return settings.NodeLinker == "pnp"
	}
	lock := t.text(path.Join(dir, "yarn.lock"))
	return t.exists(path.Join(dir, ".pnp.cjs")) || strings.HasPrefix(lock, "__metadata:") || strings.Contains(lock, "\n__metadata:")
}

// calledBy returns the programs of a command, and the wrappers before them.
func calledBy(command string) (programs []string) {
	for _, c := range splitCommands(command) {
		for _, w := range c.words[:len(c.words)-len(unwrap(c).args)] {
			programs = append(programs, baseName(w.text))
		}
	}
	return programs
}

// writeSteps writes the table of the steps.
func writeSteps(b *strings.Builder, steps []Step) {
	if len(steps) == 0 {
		return
	}
	b.WriteString("\n# Before the services start, once in each checkout, and again when the files in when change.\n[setup]\n")
	for _, s := range steps {
		fmt.Fprintf(b, "%s = { command = %s", s.Name, quoteTOML(s.Command))
		if s.Dir != "" {
			fmt.Fprintf(b, ", dir = %s", quoteTOML(strings.ReplaceAll(s.Dir, "$", "$$")))
		}
		fmt.Fprintf(b, ", when = [%s]", quoteTOML(s.Lock))
		if s.Creates != "" {
			fmt.Fprintf(b, ", creates = [%s]", quoteTOML(s.Creates))
		}
		b.WriteString(" }\n")
	}
}
