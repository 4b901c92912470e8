package diagnosis

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// ecosystem is how a language installs what a project depends on.
type ecosystem struct {
	programs  []string // that need the dependencies
	locks     []lock   // the first that a directory has names the command
	installed []string // any of these shows that they are installed; the first is the usual one
	needed    func(directory string) bool
	statuses  []int // nothing in the directory shows whether they are installed, but these exit statuses do
}

// lock is a file, and the command that installs what it lists.
type lock struct{ file, install string }

var ecosystems = []ecosystem{
	{
		programs: []string{
			"npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "node", "nodemon", "tsx", "ts-node",
			"vite", "next", "nuxt", "astro", "webpack", "react-scripts", "vue-cli-service", "ng", "gatsby", "remix", "nest", "turbo", "nx", "concurrently",
		},
		locks: []lock{
			{"pnpm-lock.yaml", "pnpm install"},
			{"yarn.lock", "yarn install"},
			{"bun.lock", "bun install"},
			{"bun.lockb", "bun install"},
			{"package-lock.json", "npm ci"},
			{"npm-shrinkwrap.json", "npm ci"},
			{"package.json", "npm install"},
		},
		installed: []string{"node_modules", ".pnp.cjs", ".pnp.js"},
		needed:    listsPackages,
	},
	{
		programs:  []string{"php", "composer", "artisan"},
		locks:     []lock{{"composer.lock", "composer install"}},
		installed: []string{"vendor"},
	},
	{
		programs:  []string{"mix", "iex", "elixir"},
		locks:     []lock{{"mix.lock", "mix deps.get"}},
		installed: []string{"deps"},
	},
	{
		programs:  []string{"go", "air"},
		locks:     []lock{{"go.mod", "go mod tidy"}},
		installed: []string{"go.sum", "vendor"},
		needed:    func(directory string) bool { return mentions(filepath.Join(directory, "go.mod"), "require") },
	},
	{
		programs: []string{"bundle", "rails", "rake", "ruby", "puma", "sidekiq", "rackup"},
		locks:    []lock{{"Gemfile.lock", "bundle install"}, {"Gemfile", "bundle install"}},
		statuses: []int{7, 10, 127}, // Bundler's GemNotFound and GemfileNotFound, and a program of a gem
	},
}

// dependencies finds dependencies of a process that are not installed. status is
// the status with which it has exited, 0 if it has not run, and output returns
// the last of its output.
func dependencies(base string, p procfile.Process, programs []shell.Program, status int, output func() string) Missing {
	if strings.Contains(p.Shell, "install") || strings.Contains(p.Shell, "npm ci") || strings.Contains(p.Shell, "deps.get") {
		return Missing{} // it installs them itself
	}
	for _, program := range programs {
		dir := in(p.Dir, program.Dir)
		if m := unbuilt(base, dir, program.Name); m != (Missing{}) {
			return m
		}
		for _, e := range ecosystems {
			// A script may fail without using a package.
			if !e.runs(program.Name) || program.Name == "node" && status != 0 && !strings.Contains(output(), "Cannot find") {
				continue
			}
			if m := e.missing(base, dir, status); m != (Missing{}) {
				return m.installable(p, programs)
			}
		}
	}
	return Missing{}
}

// runs reports whether a program needs the dependencies.
func (e ecosystem) runs(program string) bool {
	if slices.Contains(e.programs, path.Base(program)) {
		return true
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(program, "./"), "/")
	return len(e.installed) > 0 && first == e.installed[0] && first != program
}

// missing looks for the dependencies of a directory, in it and above it.
func (e ecosystem) missing(base, dir string, status int) Missing {
	for directory := dir; ; directory = filepath.Dir(directory) {
		for _, name := range e.installed {
			if isFilled(filepath.Join(directory, name)) {
				return Missing{}
			}
		}
		i := slices.IndexFunc(e.locks, func(l lock) bool { return exists(filepath.Join(directory, l.file)) })
		// A package of a workspace has a package.json, and the lock is above it.
		if i >= 0 && e.locks[i].file == "package.json" && lockAbove(directory, e.locks) {
			i = -1
		}
		if i >= 0 {
			return e.notInstalled(base, directory, e.locks[i].install, status)
		}
		if exists(filepath.Join(directory, ".git")) || directory == filepath.Dir(directory) {
			return Missing{}
		}
	}
}

// lockAbove reports whether a directory above, up to the repository's root, has one
// of the locks other than package.json.
func lockAbove(directory string, locks []lock) bool {
	for !exists(filepath.Join(directory, ".git")) && directory != filepath.Dir(directory) {
		directory = filepath.Dir(directory)
		if slices.ContainsFunc(locks, func(l lock) bool { return l.file != "package.json" && exists(filepath.Join(directory, l.file)) }) {
			return true
		}
	}
	return false
}

// notInstalled is what is missing in a directory that has none of e.installed.
func (e ecosystem) notInstalled(base, directory, install string, status int) Missing {
	if e.needed != nil && !e.needed(directory) || e.installed == nil && !slices.Contains(e.statuses, status) {
		return Missing{}
	}
	what := "gems are missing"
	if e.installed != nil {
		what = relative(base, filepath.Join(directory, e.installed[0])) + " is missing"
	}
	return Missing{what, inDirectory(base, directory, install)}
}

// installable returns m without its fix if its program is not there.
func (m Missing) installable(p procfile.Process, programs []shell.Program) Missing {
	commands := strings.Split(m.Fix, " && ")
	if strings.HasPrefix(commands[0], "cd ") {
		commands = commands[1:]
	}
	installer, _, _ := strings.Cut(commands[0], " ")
	if _, err := system.LookPath(installer, p.Dir, p.Env.List()); err == nil || installer == "." {
		return m
	}
	absent := installer + " is not on PATH"
	if slices.ContainsFunc(programs, func(program shell.Program) bool { return program.Name == installer }) {
		return Missing{What: absent}
	}
	return Missing{What: m.What + ", and " + absent}
}

// inDirectory is a command for a shell in base that runs in a directory.
func inDirectory(base, directory, command string) string {
	if place := relative(base, directory); place != "." {
		return "cd " + text.QuoteArg(place) + " && " + command
	}
	return command
}

// unbuilt finds a program that Cargo would build.
func unbuilt(base, dir, program string) Missing {
	parts := strings.Split(strings.TrimPrefix(program, "./"), "/")
	if len(parts) != 3 || parts[0] != "target" || exists(filepath.Join(dir, program)) || !exists(filepath.Join(dir, "Cargo.toml")) {
		return Missing{}
	}
	build := "cargo build"
	if parts[1] == "release" {
		build += " --release"
	}
	return Missing{program + " is missing", inDirectory(base, dir, build)}
}

// listsPackages reports whether the package.json of a directory lists packages.
func listsPackages(directory string) bool {
	src, err := os.ReadFile(filepath.Join(directory, "package.json"))
	if err != nil {
		return false
	}
	var manifest struct {
		Dependencies, DevDependencies map[string]any
		Workspaces                    any
	}
	if json.Unmarshal(src, &manifest) != nil {
		return false
	}
	return len(manifest.Dependencies)+len(manifest.DevDependencies) > 0 || manifest.Workspaces != nil || exists(filepath.Join(directory, "pnpm-workspace.yaml"))
}

func mentions(file, word string) bool {
	src, err := os.ReadFile(file)
	return err == nil && strings.Contains(string(src), word)
}
