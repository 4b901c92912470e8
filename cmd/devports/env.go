package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/procfile"
)

var envCommand = command{
	name:  "env",
	usage: "print the variables of a service for a shell",
	args:  "[SERVICE]",
	help: `
Prints what devports would set or change for SERVICE, for a shell to evaluate;
without SERVICE, only the PORT_<NAME> of every service.

Example:
  eval "$(devports env auth)"
  devports env --shell fish auth | source
  devports env --shell json`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "shell", Value: "sh", Usage: "print for `SHELL`: sh, bash, zsh, fish, powershell, dotenv or json"},
		jsonFlag, fileFlag, registryFlag,
	},
	completes: one(services),
	run: func(s session, c *cli.Context) error {
		shell, err := formatOrJSON(c, "shell")
		if err != nil {
			return err
		}
		format, ok := shells[shell]
		if !ok {
			return usage("one of sh, bash, zsh, fish, powershell, dotenv, json", "unknown shell %q", shell)
		}
		p, err := s.openProject(c)
		if err != nil {
			return err
		}
		if err := declares(p.File, c.Args().Slice()); err != nil {
			return err
		}
		if c.NArg() == 0 {
			_, ports, err := p.Ports(c.Context)
			if err != nil {
				return err
			}
			var vars []procfile.Var
			for _, w := range p.File.Ports() {
				vars = append(vars, procfile.Var{Name: w.Name.Variable(), Value: strconv.Itoa(ports[w.Name])})
			}
			return format(s.stdout, vars, nil)
		}
		plan, err := p.Resolve(c.Context)
		if err != nil {
			return err
		}
		service, _ := plan.Service(c.Args().First())
		return format(s.stdout, service.Env.Set(), s.unset(service))
	},
}

// unset lists the variables of devports' own environment that the service does
// not have: a PORT that is not its own.
func (s session) unset(p procfile.Process) []string {
	if _, own := p.Env.Lookup("PORT"); s.getenv("PORT") == "" || own {
		return nil
	}
	return []string{"PORT"}
}

// formatOrJSON is the value of an option that names a format, for which --json
// is short.
func formatOrJSON(c *cli.Context, option string) (string, error) {
	switch format := c.String(option); {
	case !c.Bool("json"):
		return format, nil
	case c.IsSet(option) && format != "json":
		return "", usage("", "--json and --%s %s cannot be used together", option, format)
	}
	return "json", nil
}
