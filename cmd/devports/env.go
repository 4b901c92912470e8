package main

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
)

var envCommand = command{
	name:  "env",
	usage: "print the variables of a service for a shell",
	args:  "[SERVICE]",
	help: `
Prints shell code that sets the variables of SERVICE; without SERVICE, only the
PORT_<NAME> of every service. DEVPORTS_ENV lists these variables, so that
devports in that shell, here or in another checkout, does not treat them as the
user's own, unless they were changed since. Variables that an earlier evaluation
has set and this one does not are unset, or restored to their previous value. In
JSON, an unset variable is null; dotenv cannot unset. Variables that the shell
reserves, such as UID, are left out with a note. The code for sh works in bash
and zsh, too.

Example:
  eval "$(devports env auth)"
  devports env --shell fish auth | source
  devports env --shell json`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "shell", Value: "sh", Usage: "print for `SHELL`: sh, bash, zsh, fish, powershell, dotenv or json"},
		noPinsFlag, jsonFlag, fileFlag, registryFlag,
	},
	completes: one(services),
	run: func(s session, c *cli.Context) error {
		shell, err := formatOrJSON(c, "shell")
		if err != nil {
			return err
		}
		write := writerFor(shell)
		if write == nil {
			return usage("use sh, bash, zsh, fish, powershell, dotenv or json", "unknown shell %q", shell)
		}
		p, err := s.openProject(c)
		if err != nil {
			return err
		}
		p = s.withPins(p, c)
		service, err := namedService(p, c)
		if err != nil {
			return err
		}
		vars, err := s.variables(c.Context, p, service)
		if err != nil {
			return err
		}
		restored, unset := s.withdrawn(vars, c.NArg() > 0)
		set, unset := s.withoutReserved(shell, append(restored, vars...), unset)
		return write(s.stdout, set, unset)
	},
}

// variables are the variables that devports sets for a service; without one,
// the ports of all services.
func (s session) variables(ctx context.Context, p project.Project, service string) ([]procfile.Var, error) {
	if service != "" {
		plan, err := p.Resolve(ctx)
		process, _ := plan.Service(service)
		return process.Env.Set(), err
	}
	_, ports, err := p.Ports(ctx)
	if err != nil {
		return nil, err
	}
	var vars []procfile.Var
	for _, w := range p.File.Ports() {
		vars = append(vars, procfile.Var{Name: w.Name.Variable(), Value: strconv.Itoa(ports[w.Name])})
	}
	used := p.UsedPorts()
	for _, name := range slices.Sorted(maps.Keys(used)) {
		vars = append(vars, procfile.Var{Name: name, Value: used[name]})
	}
	own, _ := procfile.OwnEnviron(s.environ)
	if list := envvar.Mark(vars, own); list != "" {
		vars = append(vars, procfile.Var{Name: envvar.Env, Value: list})
	}
	return vars, nil
}

// withdrawn returns the variables that an earlier devports has set in this
// environment and that are not among vars: those to restore to their previous
// value, and those to unset. For a service, PORT is unset unless it has one.
func (s session) withdrawn(vars []procfile.Var, service bool) (restored []procfile.Var, unset []string) {
	own, exported := procfile.OwnEnviron(s.environ)
	if s.getenv(envvar.Env) != "" {
		exported = append(exported, envvar.Env)
	}
	for _, name := range exported {
		before, had := own[name]
		switch {
		case slices.ContainsFunc(vars, func(v procfile.Var) bool { return v.Name == name }):
		case had:
			restored = append(restored, procfile.Var{Name: name, Value: before})
		default:
			unset = append(unset, name)
		}
	}
	hasPort := slices.ContainsFunc(vars, func(v procfile.Var) bool { return v.Name == "PORT" })
	if service && !hasPort && own["PORT"] != "" {
		restored = slices.DeleteFunc(restored, func(v procfile.Var) bool { return v.Name == "PORT" })
		unset = append(unset, "PORT")
	}
	return restored, unset
}

// withoutReserved removes the variables that a shell reserves for itself, and
// prints a note about those that are set.
func (s session) withoutReserved(shell string, set []procfile.Var, unset []string) ([]procfile.Var, []string) {
	reserved := func(name string) bool { return reserves(shell, name) }
	var names []string
	set = slices.DeleteFunc(set, func(v procfile.Var) bool {
		if reserved(v.Name) {
			names = append(names, v.Name)
		}
		return reserved(v.Name)
	})
	if len(names) > 0 {
		where := shell
		if shell == "sh" {
			where = "bash or zsh"
		}
		s.note("not setting %s: reserved in %s (devports run sets every variable)", wording.List(names), where)
	}
	return set, slices.DeleteFunc(unset, reserved)
}

// formatOrJSON is the value of an option for the format; --json is short for
// the value json.
func formatOrJSON(c *cli.Context, option string) (string, error) {
	switch format := c.String(option); {
	case !c.Bool("json"):
		return format, nil
	case c.IsSet(option) && format != "json":
		return "", usage("", "--json and --%s %s cannot be used together", option, format)
	}
	return "json", nil
}
