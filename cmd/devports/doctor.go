package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/doctor"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/registry"
)

var doctorCommand = command{
	name:  "doctor",
	usage: "look for problems, and show how to fix them",
	help: `
Checks the registry, the leased ports, this machine, the runs and the project
here. For each problem it prints why it matters and what to type. The exit
status is 1 if there are errors; warnings alone are no failure.

With --fix, doctor repairs a damaged registry from its readable lines and from
its backup, and keeps a copy of the damaged file. It also kills the processes
that killed runs have left, and removes their files. It changes nothing else.

Example:
  devports doctor
  devports doctor --fix
  devports doctor --json`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "fix", Usage: "repair a damaged registry, and clean up after killed runs"},
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
			err = s.json(findingsOutput{Findings: append([]doctor.Finding{}, findings...)})
		} else {
			err = s.printFindings(findings)
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

// printFindings prints findings as text.
func (s session) printFindings(findings []doctor.Finding) error {
	marks := map[doctor.Level]string{doctor.Fine: "✓", doctor.Warning: "!", doctor.Wrong: "✗"}
	if colored, _ := s.colored("auto", s.stdout); colored {
		p := s.palette()
		marks = map[doctor.Level]string{
			doctor.Fine: palette.Paint(p.Good, "✓"), doctor.Warning: palette.Paint(p.Busy, "!"), doctor.Wrong: palette.Paint(p.Bad, "✗"),
		}
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

// doctor returns a Doctor for the registry and the project that the command
// line names.
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
		Listening:   s.listening,
		OrphanGrace: orphanGrace,
		Containers:  func() []container.Owned { return container.Containers(c.Context, s.environ) },

		StaleSteps:      s.staleReasons,
		FormatProcesses: formatProcesses,
		Describe: func(err error) (troubles []doctor.Trouble) {
			for _, l := range s.describe(err).lines {
				troubles = append(troubles, doctor.Trouble{What: l.text, Fix: l.hint})
			}
			return troubles
		},
	}
	d.Range, _ = allocator.ParseSet(s.getenv(envvar.Range)) // choosing a port reports an invalid one
	if runs, err := s.runs(); err == nil {
		d.Runs = &runs
	}
	if store, err := s.logStore(); err == nil {
		d.Logs = &store
	}
	return d
}
