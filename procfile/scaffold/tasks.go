package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"
)

// taskNames are the usual names of a task that starts everything for
// development, the best first.
var taskNames = []string{"dev", "run-dev", "dev-server", "develop", "serve", "start", "run", "watch"}

// task is a task of a task runner: the command that runs it and its script.
type task struct{ origin, command, script string }

// tasks finds the task for development of a Makefile, justfile, mise.toml or
// Taskfile, and bin/dev. Sources say more than a task's name: they win.
func tasks(t tree, found bool) (f findings) {
	var list []task
	list = append(list, makeTasks(t)...)
	list = append(list, justTasks(t, &f)...)
	list = append(list, miseTasks(t, &f)...)
	list = append(list, taskfileTasks(t, &f)...)
	for _, script := range []string{"bin/dev", "script/server", "scripts/dev.sh", "dev.sh"} {
		if text := t.text(script); strings.HasPrefix(text, "#!") && !strings.Contains(text, "Procfile") && !t.exists("bin/rails") {
			list = append(list, task{script, script, text})
		}
	}
	for _, k := range list {
		origin := k.origin
		switch {
		case found:
			f.leaveOut(origin, "the services are declared one by one")
		case strings.Contains(k.script, "docker compose up") || strings.Contains(k.script, "docker-compose up"):
			f.leaveOut(origin, "it starts docker compose, whose services are declared one by one")
		case len(f.candidates) > 0:
			f.leaveOut(origin, "%s takes precedence", f.candidates[0].Origin)
		default:
			s := Service{Origin: origin, Command: k.command}
			if !listens(k.script) {
				s.Ready = "none"
			}
			f.add(s, "app")
		}
	}
	return f
}

// best returns the first of the usual names for which has is true.
func best(has func(name string) bool) string {
	if i := slices.IndexFunc(taskNames, has); i >= 0 {
		return taskNames[i]
	}
	return ""
}

// target matches the start of a rule of a Makefile.
var target = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*)((?: +[A-Za-z+*][^:=]*)?):(?:[^=]|$)`)
})

// A parameter of a recipe, and the start of a recipe
// (https://just.systems/man/en/grammar.html).
const (
	justValue     = `(?:x?'[^']*'|x?"(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `|\([^()]*\)|[A-Za-z0-9_-]+(?:\([^()]*\))?)`
	justParameter = `[*+]?\$?[A-Za-z_][A-Za-z0-9_-]*(?:[ \t]*=[ \t]*` + justValue + `)?`
)

var (
	recipe = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^@?([A-Za-z_][A-Za-z0-9_-]*)((?:[ \t]+` + justParameter + `)*)[ \t]*:(?:[^=]|$)`)
	})
	parameter = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(justParameter) })
)

// targets returns the rules of a Makefile or justfile with their commands, and
// what follows their names before the colon. start matches the start of one.
func targets(text string, start *regexp.Regexp) (rules, parameters map[string]string) {
	rules, parameters = map[string]string{}, map[string]string{}
	current := ""
	for line := range strings.Lines(text) {
		if m := start.FindStringSubmatch(line); m != nil {
			current = m[1]
			rules[current] += ""
			parameters[current] = m[2]
		} else if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, " ") {
			if current != "" {
				rules[current] += line
			}
		}
	}
	return rules, parameters
}

func makeTasks(t tree) []task {
	for _, file := range []string{"GNUmakefile", "makefile", "Makefile"} {
		rules, _ := targets(t.text(file), target())
		if name := best(func(n string) bool { _, ok := rules[n]; return ok }); name != "" {
			return []task{{file + ", target " + name, "make " + name, rules[name]}}
		}
	}
	return nil
}

func justTasks(t tree, f *findings) []task {
	for _, file := range []string{"justfile", "Justfile", ".justfile"} {
		rules, parameters := targets(t.text(file), recipe())
		name := best(func(n string) bool {
			_, ok := rules[n]
			if ok && needsArguments(parameters[n]) {
				f.leaveOut(file+", recipe "+n, "it needs arguments")
				return false
			}
			return ok
		})
		if name != "" {
			return []task{{file + ", recipe " + name, "just " + name, rules[name]}}
		}
	}
	return nil
}

// needsArguments reports whether a recipe with these parameters cannot run
// without arguments.
func needsArguments(parameters string) bool {
	return slices.ContainsFunc(parameter().FindAllString(parameters, -1), func(p string) bool {
		return p[0] != '*' && !strings.Contains(p, "=")
	})
}

func miseTasks(t tree, f *findings) []task {
	for _, file := range []string{"mise.toml", ".mise.toml", "mise/config.toml", ".config/mise.toml"} {
		src, ok := t.read(file)
		if !ok {
			continue
		}
		var m struct {
			Tasks map[string]any `toml:"tasks"`
		}
		if err := toml.Unmarshal(src, &m); err != nil {
			f.leaveOut(file, "cannot parse it: %s", firstLine(err))
			continue
		}
		if name := best(func(n string) bool { return m.Tasks[n] != nil }); name != "" {
			return []task{{file + ", task " + name, "mise run " + name, runOf(m.Tasks[name], "run")}}
		}
	}
	for _, dir := range []string{"mise-tasks", ".mise-tasks", "mise/tasks", ".mise/tasks"} {
		if name := best(func(n string) bool { return t.exists(path.Join(dir, n)) }); name != "" {
			return []task{{path.Join(dir, name), "mise run " + name, t.text(path.Join(dir, name))}}
		}
	}
	return nil
}

func taskfileTasks(t tree, f *findings) []task {
	for _, file := range []string{"Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"} {
		src, ok := t.read(file)
		if !ok {
			continue
		}
		var m struct{ Tasks map[string]any }
		if err := yaml.Unmarshal(src, &m); err != nil {
			f.leaveOut(file, "cannot parse it: %s", firstLine(err))
			continue
		}
		if name := best(func(n string) bool { return m.Tasks[n] != nil }); name != "" {
			return []task{{file + ", task " + name, "task " + name, runOf(m.Tasks[name], "cmds")}}
		}
	}
	return nil
}

// runOf returns the script of a task: a string, a list, or a table with either.
func runOf(v any, key string) string {
	if m, ok := v.(map[string]any); ok {
		v = m[key]
	}
	if s, ok := v.(string); ok {
		return s
	}
	return strings.Join(texts(v), "\n")
}
