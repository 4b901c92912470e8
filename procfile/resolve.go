package procfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
)

// Context is the input of [File.Resolve] besides the file.
type Context struct {
	Environ           []string // the caller's, "NAME=value"; variables listed in envvar.Env are ignored
	Project, Worktree string
	Name              string                     // the unique name of the checkout, for containers and volumes: registry.Scope.Name
	Slug              string                     // Name with underscores, for databases: registry.Scope.Slug
	Main              string                     // the file's directory in the main checkout; "" if it is there
	Ports             map[allocator.PortName]int // a missing port is 0
	Site              Site                       // of the checkout
	Uses              []Used                     // the projects of File.Uses, as far as they are known
	SharedElsewhere   bool                       // shared services run in another directory
}

// labels are the variables that identify a service to itself.
var labels = []string{envvar.Project, envvar.Service, envvar.Worktree, envvar.Slug}

// OwnEnviron splits an environment: it returns the user's own variables as a
// map, and the names of those that an earlier devports has set.
func OwnEnviron(environ []string) (own map[string]string, exported []string) {
	entries, exported := envvar.Own(environ)
	own = make(map[string]string, len(entries))
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			own[name] = value
		}
	}
	return own, exported
}

// Resolve reads the env files and gives every service its environment. From the
// lowest precedence to the highest: the project's env files, the service's env
// files, the caller's environment, [env], the service's env, and the variables
// that devports sets.
//
// The error is [Problems]. It does not depend on the numbers of the ports: a
// file can be checked before any are chosen.
func (f File) Resolve(c Context) (Plan, error) {
	r := resolver{
		file: f, wanted: f.wanted(), context: c,
		numbers: map[string][]int{}, aliases: map[*includedFile]aliases{}, usedURLs: map[string]string{}, read: map[string][]Variable{}, exist: map[string]existence{},
	}
	r.inherited, _ = OwnEnviron(c.Environ)
	r.watched, r.notes = f.Watched(), slices.Clone(f.notes)
	r.prepareCommon()
	plan := Plan{StopOnExit: f.StopOnExit, Site: c.Site, Outside: f.Outside}
	services := make([]*Service, len(f.Services))
	positions := make(map[string]int, len(f.Services))
	for i := range f.Services {
		services[i] = &f.Services[i]
		positions[f.Services[i].Name] = i + 1
	}
	slices.SortFunc(services, func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
	plan.Services = make([]Process, len(services))
	for i, s := range services {
		plan.Services[i] = r.process(*s)
		plan.Services[i].Position = positions[s.Name]
	}
	r.noteInheritedPort()
	r.noteOtherRunners()
	r.notePins()
	plan.Watched, plan.Notes = r.watched, r.notes.sorted()
	return plan, r.problems.err()
}

// Problems adds to err, which is from reading the file, the problems of
// resolving the parts that are valid. It returns an err of another type, or
// nil, unchanged.
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
	inherited map[string]string
	set       map[string]string // the variables that devports sets for every service
	urls      map[string]string // the same, but [env] and env may replace them
	hosts     map[string]string // the labels of services
	common    *commonVars
	numbers   map[string][]int // the ports of each service
	aliases   map[*includedFile]aliases
	usedURLs  map[string]string
	read      map[string][]Variable // env files by path
	watched   []string
	exist     map[string]existence // of the env files, by path; watched has them all
	problems  Problems
	notes     Problems
}

func (r *resolver) fail(pos Position, hint, format string, args ...any) {
	r.problems = append(r.problems, problemf(r.file.Name, pos, hint, format, args...))
}

// process resolves one service.
func (r *resolver) process(s Service) Process {
	own := r.own(s)
	alias := r.aliasesOf(s.Pos.included())
	urls := firstOf(in(alias.urls), in(r.urls))
	ours := firstOf(own, urls)
	outer := firstOf(ours, r.inherits)

	files := map[string]string{}
	envFiles := r.envFiles(s)
	for _, file := range envFiles {
		for _, v := range r.envFile(file.Value) {
			if _, set := ours(v.Name); set || v.Name == "PORT" || v.Name == envvar.Env {
				r.noteEnvFilePort(file.Value, v, s)
				continue
			}
			value, undefined, err := expand(v.Value, firstOf(outer, in(files)))
			if err != nil {
				r.problems = append(r.problems, problemf(shorterFile(r.file, file.Value), v.Pos, "write $$ for a literal dollar", "%v", err))
			}
			files[v.Name] = value
			r.noteUndefined(file.Value, v, undefined)
		}
	}

	tables := []*table{r.table(r.file.Env, own, firstOf(urls, r.inherits, in(files)))}
	for _, p := range s.Pos.included().chain() {
		if len(p.env) > 0 {
			tables = append(tables, r.table(p.env, own, tables[len(tables)-1].get))
		}
	}
	tables = append(tables, r.table(s.Env, own, tables[len(tables)-1].get))
	set := maps.Clone(files)
	maps.DeleteFunc(set, func(name, _ string) bool { _, shell := r.inherits(name); return shell })
	maps.Copy(set, alias.urls)
	for _, t := range tables {
		maps.Copy(set, t.all())
	}
	maps.DeleteFunc(set, func(name, _ string) bool { _, ours := own(name); return ours })
	maps.Copy(set, alias.set)
	for _, name := range []string{"PORT", "PS", envvar.Service} {
		if value, ok := own(name); ok {
			set[name] = value
		}
	}

	p := Process{
		Service: s.Name, Shell: s.Command.Shell,
		Port:       r.context.Ports[allocator.PortName{Service: s.Name}],
		Ports:      r.numbers[s.Name],
		HTTP:       s.http(),
		Host:       r.hosts[s.Name],
		HostHeader: s.HostHeader.Value,
		Env:        Environment{r.common, sortedVars(set)},
		EnvFiles:   envFiles,
		Ready:      s.check(),
		Restart:    s.Restart,
		StopSignal: s.StopSignal, StopTimeout: s.StopTimeout,
		Shared: s.Shared,
	}
	for _, extra := range s.Ports {
		if p.NamedPorts == nil {
			p.NamedPorts = map[string]int{}
		}
		p.NamedPorts[extra.Name] = r.context.Ports[allocator.PortName{Service: s.Name, Port: extra.Name}]
	}
	for _, d := range s.DependsOn {
		p.DependsOn = append(p.DependsOn, d.Value)
	}
	for _, pattern := range s.Watch {
		p.Watch = append(p.Watch, r.file.WatchPattern(pattern))
	}
	p.Address = r.context.Site.address(p.Host, p.HTTP, p.Port)
	p.Setup = r.setup(s)
	p.RestartOn, p.own = alias.restartOn(s.restartOn()), s.portVariables()
	for _, a := range s.Command.Argv {
		p.Argv = append(p.Argv, r.expand(a, p.Env.Lookup))
	}
	p.Build.Shell = s.Build.Shell
	for _, a := range s.Build.Argv {
		p.Build.Argv = append(p.Build.Argv, r.expand(a, p.Env.Lookup))
	}
	p.Dir = r.dir(s, p.Env.Lookup)
	if s.Container != nil {
		r.container(s, &p, r.containerVars(s, own, tables))
	}
	r.noteMistyped(s, s.Command, p.Env)
	r.noteMistyped(s, s.Build, p.Env)
	return p
}

// prepareCommon prepares the variables that all services share.
func (r *resolver) prepareCommon() {
	// Maps that grow take longer than the rest, so they get their sizes.
	ports := make(map[string]string, len(r.wanted))
	for _, w := range r.wanted {
		port := r.context.Ports[w.Name]
		ports[w.Name.Variable()] = strconv.Itoa(port)
		if port != 0 {
			r.numbers[w.Name.Service] = append(r.numbers[w.Name.Service], port)
		}
	}
	r.addUses(ports)
	r.set = make(map[string]string, 2*len(ports))
	maps.Copy(r.set, ports)
	if r.file.Procfile {
		maps.Copy(r.set, r.overmindPorts())
	}
	r.set[envvar.Project] = r.context.Project
	r.set[envvar.Worktree] = r.context.Worktree
	r.set[envvar.Slug] = r.context.Slug
	if r.file.composes() {
		r.set[ComposeProject] = r.context.Name
	}
	r.hosts = r.file.hosts()
	var named map[string]string
	r.urls, named = r.file.urls(r.hosts, r.context.Site, r.context.Ports)
	for name, url := range r.usedURLs {
		if _, own := r.urls[name]; !own {
			r.urls[name] = url
		}
	}
	set := sortedVars(r.urls, r.set)
	inherited := slices.DeleteFunc(sortedVars(r.inherited), func(v Var) bool { return v.Name == "PORT" }) // never a service's port
	all := override(inherited, set)
	r.common = &commonVars{
		all: all, list: listOf(all), set: set, ports: ports, urls: r.urls, named: named,
		inherited: r.inherited, marks: envvar.Mark(set, r.inherited),
	}
}

// own returns a lookup of the variables that devports sets for s.
func (r *resolver) own(s Service) lookup {
	alias := r.aliasesOf(s.Pos.included())
	return func(name string) (string, bool) {
		switch name {
		case "PORT":
			if !s.HasPort {
				return "", false
			}
			return strconv.Itoa(r.context.Ports[allocator.PortName{Service: s.Name}]), true
		case envvar.Service:
			return s.Name, true
		case "PS":
			if r.file.Procfile {
				return instance(s), true
			}
		}
		if value, ok := alias.set[name]; ok {
			return value, true
		}
		value, ok := r.set[name]
		return value, ok
	}
}

// inherits looks up a variable in the caller's environment. PORT there is never
// a service's port.
func (r *resolver) inherits(name string) (string, bool) {
	value, ok := r.inherited[name]
	return value, ok && name != "PORT"
}

// firstOf returns a lookup that tries one lookup after another.
func firstOf(lookups ...lookup) lookup {
	return func(name string) (string, bool) {
		for _, get := range lookups {
			if value, ok := get(name); ok {
				return value, true
			}
		}
		return "", false
	}
}

// in returns a lookup in a map.
func in(vars map[string]string) lookup {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// expand expands a string in the file. An undefined variable is a problem.
func (r *resolver) expand(t Text, get lookup) string {
	value, undefined, err := expand(t.Value, get)
	if err != nil {
		r.fail(t.Pos, "write $$ for a literal dollar", "%v", err)
	}
	for _, name := range undefined {
		if r.failedUse(t, name) {
			continue
		}
		hint := fmt.Sprintf("write ${%s:-default} to give it a default", name)
		if name == "PORT" {
			hint = "the service has port = false"
		} else if near, ok := text.Nearest(name, r.portVariables()); ok {
			hint = "did you mean " + near + "?"
		}
		r.fail(t.Pos, hint, "%s is not defined", name)
	}
	return value
}

// failedUse reports that a variable is one of a used project that has no ports.
func (r *resolver) failedUse(t Text, name string) bool {
	for _, u := range r.context.Uses {
		prefix := strings.TrimPrefix(allocator.PortName{Service: u.Name}.Variable(), "PORT_") + "_"
		_, rest, _ := strings.Cut(name, "_")
		if !strings.HasPrefix(rest, prefix) && !strings.HasPrefix(strings.TrimPrefix(rest, "URL_"), prefix) || len(u.Ports) > 0 {
			continue
		}
		if len(u.Problems) == 0 { // else they say why
			hint := ""
			if len(u.Notes) > 0 {
				hint = u.Notes[0].Hint
			}
			r.fail(t.Pos, hint, "%s is not defined: the project %s has no ports yet, as it has never run", name, u.Name)
		}
		return true
	}
	return false
}

func (r *resolver) portVariables() []string {
	var names []string
	for _, w := range r.wanted {
		names = append(names, w.Name.Variable())
	}
	for _, u := range r.context.Uses {
		ports, _ := u.Vars()
		names = append(names, slices.Sorted(maps.Keys(ports))...)
	}
	return names
}
