package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/doctor"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/registry"
)

var doctorCommand = command{
	name:  "doctor",
	usage: "look for what is wrong, and say how to mend it",
	help: `
Looks at the registry, at the ports that are kept, at this machine's own, at what
runs, and at the project here. Each thing found is told with the reason why it
matters and with what to type. The exit status is 1 when something is wrong; a
warning alone is no failure.

With --fix a registry that is damaged is put in order from what can be read of
it and from the version before; what it replaces is kept beside it. And what is
left of runs that were killed, processes as well, is cleared up. Nothing else is
changed.

Example:
  devports doctor
  devports doctor --fix
  devports doctor --json`,
	flags: []cli.Flag{
		boolean("fix", "", "repair a damaged registry, and clear up after runs that were killed"),
		jsonFlag, fileFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		d := s.doctor(c, r)
		findings := []doctor.Finding{}
		if c.Bool("fix") {
			findings = append(findings, d.Fix(c.Context)...)
		}
		if !slices.ContainsFunc(findings, doctor.Finding.IsWrong) {
			findings = append(findings, d.Examine(c.Context)...)
		}
		if c.Bool("json") {
			err = s.json(findings)
		} else {
			err = s.tellFindings(findings)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(findings, doctor.Finding.IsWrong) {
			return failure{status: exitFailed}
		}
		return nil
	},
}

// tellFindings prints findings for people to read.
func (s session) tellFindings(findings []doctor.Finding) error {
	marks := map[doctor.Level]string{doctor.Fine: "✓", doctor.Warning: "!", doctor.Wrong: "✗"}
	if colored, _ := s.colored("auto", s.stdout); colored {
		marks = map[doctor.Level]string{doctor.Fine: "\x1b[32m✓\x1b[0m", doctor.Warning: "\x1b[33m!\x1b[0m", doctor.Wrong: "\x1b[31m✗\x1b[0m"}
	}
	for _, f := range findings {
		text := fmt.Sprintf("%s %s: %s\n", marks[f.Level], f.Check, f.What)
		if f.Why != "" {
			text += "    " + f.Why + "\n"
		}
		if f.Fix != "" {
			text += "    → " + f.Fix + "\n"
		}
		if _, err := fmt.Fprint(s.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// doctor examines the registry, and what the command line names.
func (s session) doctor(c *cli.Context, r registry.Registry) doctor.Doctor {
	d := doctor.Doctor{
		Registry: r,
		OpenProject: func() (project.Project, error) {
			p, err := s.openProject(c)
			if err == nil && (s.noPins(c) || p.Pins() && s.runsWithoutPins(p)) {
				p = p.WithoutPins()
			}
			return p, err
		},
		Listening: s.listening,
		LeftGrace: leftGrace,
		Left:      tellLeft,
		Explain: func(err error) (troubles []doctor.Trouble) {
			for _, l := range s.explain(err).lines {
				troubles = append(troubles, doctor.Trouble{What: l.text, Fix: l.hint})
			}
			return troubles
		},
	}
	d.Range, _ = allocator.ParseSet(s.getenv(envvar.Range)) // what cannot be read, a choice of ports refuses
	if runs, err := s.runs(); err == nil {
		d.Runs = &runs
	}
	return d
}
