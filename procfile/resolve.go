package procfile

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
)

// Context is what a file is resolved in.
type Context struct {
	Environ           []string // that devports was started with, "NAME=value"
	Project, Worktree string
	Ports             map[allocator.PortName]int // a port that is missing is 0
}

// labels are the variables that tell a service what it is.
var labels = []string{envvar.Project, envvar.Service, envvar.Worktree}

// Resolve reads the env files and gives every service its environment. From
// the lowest precedence to the highest (section 4 of the design): the project's
// env files, the service's, the environment of devports, [env], the service's
// env, and what devports sets itself.
//
// The error is [Problems]. Which problems there are does not depend on the
// numbers of the ports: a file can be checked before any are chosen.
func (f File) Resolve(c Context) (Plan, error) {
	r := resolver{
		file: f, wanted: f.wanted(), context: c,
		ports: map[string]string{}, inherited: map[string]string{}, read: map[string][]Variable{},
	}
	for _, w := range r.wanted {
		r.ports[w.Name.Variable()] = strconv.Itoa(c.Ports[w.Name])
	}
	for _, entry := range c.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			r.inherited[name] = value
		}
	}
	plan := Plan{StopOnExit: f.StopOnExit, Outside: f.Outside}
	if f.Path != "" {
		r.watch(f.Path)
	}
	for _, name := range f.ServiceNames() {
		s, _ := f.Service(name)
		plan.Services = append(plan.Services, r.process(s))
	}
	r.noteInheritedPort()
	r.notePins()
	plan.Watched, plan.Notes = r.watched, r.notes.sorted()
	return plan, r.problems.err()
}

// Problems are those of err, which is from reading the file, and with them
// those that resolving what could be read brings up. An err of another kind,
// or nil, is returned as it is.
func (f File) Problems(c Context, err error) error {
	var problems Problems
	if !errors.As(err, &problems) {
		return err
	}
	if _, err := f.Resolve(c); err != nil {
		var more Problems
		errors.As(err, &more)
		problems = append(slices.Clone(problems), more...)
	}
	return problems.err()
}

type resolver struct {
	file      File
	wanted    []wantedAt
	context   Context
	ports     map[string]string // every service's, by the names of their variables
	inherited map[string]string
	read      map[string][]Variable // env files by path
	watched   []string
	problems  Problems
	notes     Problems
}

func (r *resolver) fail(pos Position, hint, format string, args ...any) {
	r.problems = append(r.problems, problemf(r.file.Name, pos, hint, format, args...))
}

func (r *resolver) watch(path string) {
	if !slices.Contains(r.watched, path) {
		r.watched = append(r.watched, path)
	}
}

// process resolves one service.
func (r *resolver) process(s Service) Process {
	own, ports := r.own(s)
	inherited := maps.Clone(r.inherited)
	delete(inherited, "PORT") // never a service's port
	below := chain(own, inherited)

	files := map[string]string{}
	for _, path := range r.envFiles(s) {
		for _, v := range r.envFile(path) {
			if _, set := own[v.Name]; set || v.Name == "PORT" {
				r.noteEnvFilePort(path, v, s)
				continue
			}
			value, undefined, err := expand(v.Value, func(name string) (string, bool) {
				if value, ok := below(name); ok {
					return value, true
				}
				value, ok := files[name]
				return value, ok
			})
			if err != nil {
				r.problems = append(r.problems, problemf(shorterFile(r.file, path), v.Pos, "a dollar that is no variable is written $$", "%v", err))
			}
			files[v.Name] = value
			r.noteUndefined(path, v, undefined)
		}
	}

	project := r.table(r.file.Env, own, chain(inherited, files))
	service := r.table(s.Env, own, project.get)
	set := maps.Clone(files)
	maps.DeleteFunc(set, func(name, _ string) bool { _, shell := inherited[name]; return shell })
	maps.Copy(set, project.all())
	maps.Copy(set, service.all())
	maps.Copy(set, own)

	env := inherited
	maps.Copy(env, set)
	p := Process{
		Service: s.Name, Shell: s.Command.Shell,
		Port:       r.context.Ports[allocator.PortName{Service: s.Name}],
		Env:        environ(env),
		Ready:      s.check(),
		Restart:    s.Restart,
		StopSignal: s.StopSignal, StopTimeout: s.StopTimeout,
		ports: ports,
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		p.Vars = append(p.Vars, Var{name, set[name]})
	}
	for _, w := range r.wanted {
		if port := r.context.Ports[w.Name]; w.Name.Service == s.Name && port != 0 {
			p.Ports = append(p.Ports, port)
		}
	}
	for _, d := range s.DependsOn {
		p.DependsOn = append(p.DependsOn, d.Value)
	}
	for _, pattern := range s.Watch {
		p.Watch = append(p.Watch, pattern.Value)
	}
	for _, a := range s.Command.Argv {
		p.Argv = append(p.Argv, r.expand(a, chain(env)))
	}
	p.Dir = r.dir(s, chain(env))
	return p
}

// own gives the variables that devports sets for s, and those among them that
// carry port numbers.
func (r *resolver) own(s Service) (own, ports map[string]string) {
	ports = maps.Clone(r.ports)
	if s.HasPort {
		ports["PORT"] = strconv.Itoa(r.context.Ports[allocator.PortName{Service: s.Name}])
	}
	own = maps.Clone(ports)
	own[envvar.Service] = s.Name
	own[envvar.Project] = r.context.Project
	own[envvar.Worktree] = r.context.Worktree
	return own, ports
}

// chain looks a name up in one map after another.
func chain(maps ...map[string]string) lookup {
	return func(name string) (string, bool) {
		for _, m := range maps {
			if value, ok := m[name]; ok {
				return value, true
			}
		}
		return "", false
	}
}

func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// expand expands a string of the file; a name that has no value is a problem.
func (r *resolver) expand(t Text, get lookup) string {
	value, undefined, err := expand(t.Value, get)
	if err != nil {
		r.fail(t.Pos, "a dollar that is no variable is written $$", "%v", err)
	}
	for _, name := range undefined {
		hint := fmt.Sprintf("${%s:-default} gives it a value where it has none", name)
		if name == "PORT" {
			hint = "the service has port = false"
		} else if near, ok := text.Nearest(name, r.portVariables()); ok {
			hint = "did you mean " + near + "?"
		}
		r.fail(t.Pos, hint, "%s is not defined", name)
	}
	return value
}

func (r *resolver) portVariables() []string {
	var names []string
	for _, w := range r.wanted {
		names = append(names, w.Name.Variable())
	}
	return names
}

func (r *resolver) dir(s Service, get lookup) string {
	dir := r.file.path(r.expand(s.Dir, get))
	if s.Dir.Value == "" {
		return dir
	}
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		r.fail(s.Dir.Pos, "", "the directory %s does not exist", dir)
	} else if err != nil {
		r.fail(s.Dir.Pos, "", "%v", err)
	} else if !info.IsDir() {
		r.fail(s.Dir.Pos, "", "%s is not a directory", dir)
	}
	return dir
}

// envFiles gives the paths of the env files for s, in order. A listed file
// must exist.
func (r *resolver) envFiles(s Service) []string {
	var paths []string
	if r.file.EnvFiles == nil {
		path := r.file.path(".env")
		r.watch(path)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			paths = append(paths, path)
		}
	}
	for _, t := range slices.Concat(r.file.EnvFiles, s.EnvFiles) {
		path := r.file.path(t.Value)
		r.watch(path)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			r.fail(t.Pos, "", "the env file %s does not exist", path)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// envFile reads an env file, once.
func (r *resolver) envFile(path string) []Variable {
	if vars, ok := r.read[path]; ok {
		return vars
	}
	name := shorterFile(r.file, path)
	src, err := readRegular(path)
	if err != nil {
		r.problems = append(r.problems, problemf(name, Position{}, "", "%s", reasonOf(err)))
	}
	vars, problems := parseEnvFile(name, src)
	r.problems = append(r.problems, problems...)
	r.read[path] = vars
	return vars
}
