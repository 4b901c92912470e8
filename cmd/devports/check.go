package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var checkCommand = command{
	name:    "check",
	args:    "[SERVICE]",
	checks:  true,
	instead: "devports check -f %s",
	usage:   "check the Portfile and its env files",
	help: `
Checks the Portfile or Procfile and its env files, and prints every mistake with
its line. It starts nothing and leases no ports.

With --explain, it prints the value of each key, of the project and of all
services or of SERVICE, and where it comes from: a file and its line, or the
default. Several files take part if the Portfile includes others, or if there is
a Portfile.local: see devports help portfile.

Example:
  devports check
  devports check --explain web
  devports check -f Procfile.dev --json`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "explain", Usage: "print each value, and the file and line that it comes from"},
		fileFlag, jsonFlag,
	},
	completes: one(services),
	run: func(s session, c *cli.Context) error {
		switch {
		case c.NArg() > 1:
			return usage("devports check --explain "+text.QuoteArg(c.Args().First()), "check --explain takes only SERVICE, not %q", c.Args().Get(1))
		case c.NArg() > 0 && !c.Bool("explain"):
			return usage("devports check -f "+text.QuoteArg(c.Args().First()), "check takes no arguments without --explain, not %q", c.Args().First())
		}
		p, err := s.openProject(c)
		if errors.Is(err, registry.ErrNoHome) || errors.As(err, new(*registry.RelativeHomeError)) {
			p, err = s.openWithoutRegistry(c) // the file may still be valid
		}
		var plan procfile.Plan
		if err == nil {
			plan, err = p.Check()
		}
		if local, unknown := allocator.LocalPorts(); err == nil && unknown == nil {
			plan.Notes = append(plan.Notes, p.File.EphemeralPins(local)...)
		}
		if scope, unknown := p.Scope(); err == nil && unknown == nil { // the registry is readable
			plan.Notes = append(plan.Notes, p.File.NotePins(p.Unbound(scope), unboundPin(scope))...)
		}
		if err == nil {
			scope, _ := p.Scope()
			plan.Notes = append(plan.Notes, s.checkContainers(c.Context, p.File, plan, scope)...)
		}
		var problems procfile.Problems
		if err != nil && !errors.As(err, &problems) {
			return err
		}
		if c.Bool("explain") && err == nil {
			service, err := namedService(p, c)
			if err != nil {
				return err
			}
			return s.printSettings(p.File, service, c.Bool("json"))
		}
		if c.Bool("json") {
			return errors.Join(s.json(checked{
				File: p.File.Name, Valid: err == nil, Services: append([]string{}, p.File.ServiceNames()...),
				Problems: append(procfile.Problems{}, problems...), Notes: append(procfile.Problems{}, plan.Notes...),
			}), s.silent(err))
		}
		if err != nil {
			return err
		}
		s.notes(plan.Notes)
		s.noteIncluding(c.String("file"))
		_, err = fmt.Fprintf(s.stdout, "%s is valid: %s\n", p.File.Name, wording.List(p.File.ServiceNames()))
		return err
	},
}

// checked is the result in JSON.
type checked struct {
	Version  formatVersion     `json:"version"`
	File     string            `json:"file"`
	Valid    bool              `json:"valid"`
	Services []string          `json:"services"`
	Problems procfile.Problems `json:"problems"`
	Notes    procfile.Problems `json:"notes"`
}

// silent returns the exit status of an error that was already printed as JSON.
func (s session) silent(err error) error {
	if err == nil {
		return nil
	}
	return failure{status: s.describe(err).status}
}

// notes prints notes about a file.
func (s session) notes(notes procfile.Problems) {
	for _, n := range notes {
		s.printMessage("note", n.Error())
		if n.Hint != "" {
			s.printMessage("hint", n.Hint)
		}
	}
}
