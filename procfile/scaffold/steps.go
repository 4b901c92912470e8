package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/allocator"
)

// Step is a step of the set-up: a command that installs what services need.
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

// sources are the files that declare services, by what those services need.
var sources = map[string][]string{
	"node_modules": {"package.json"},
	"vendor":       {"composer.json", "artisan"},
	"":             {"Gemfile", "config.ru", "bin/rails"},
	".venv":        {"pyproject.toml", "manage.py", "app.py", "main.py"},
	"deps":         {"mix.exs"},
}

// installSteps returns the steps for the services of a project: for each, the
// nearest lock file of its language, in its directory or above.
func installSteps(t tree, p Project) (steps []Step) {
	for _, s := range p.Services {
		done := map[string]bool{} // by what is created: yarn.lock is not used beside pnpm-lock.yaml
		for dir := path.Clean(s.Dir); ; dir = path.Dir(dir) {
			for _, i := range installers {
				lock := path.Join(dir, i.lock)
				manager, _, _ := strings.Cut(i.command, " ")
				if starter, _, _ := strings.Cut(s.Command, " "); manager != starter && slices.Contains(managers, starter) && i.creates == "node_modules" {
					continue // a lock file of a package manager that is not used any more
				}
				if done[i.creates] || !declares(s.Origin, sources[i.creates]) || !t.exists(lock) {
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
			if dir == "." || dir == "/" {
				break
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

// declares reports whether an origin is one of the files, in any directory.
func declares(origin string, files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool { return origin == file || strings.HasSuffix(origin, "/"+file) })
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
