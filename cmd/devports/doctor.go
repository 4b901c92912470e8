package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

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
		if c.NArg() > 0 {
			return usage("devports doctor", "doctor takes no names")
		}
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		var findings []finding
		if c.Bool("fix") {
			findings = s.fix(c.Context, r)
		}
		if !slices.ContainsFunc(findings, finding.isWrong) {
			findings = append(findings, s.examine(c, r)...)
		}
		if c.Bool("json") {
			err = s.json(findings)
		} else {
			err = s.tellFindings(findings)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(findings, finding.isWrong) {
			return failure{status: exitFailed}
		}
		return nil
	},
}

// finding is what a checkup has found.
type finding struct {
	Check string `json:"check"` // what was looked at
	Level level  `json:"level"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`  // why it matters
	Mend  string `json:"mend,omitempty"` // what to do about it: mostly a command
}

func (f finding) isWrong() bool { return f.Level == wrong }

type level string

const (
	fine    level = "ok"
	warning level = "warning"
	wrong   level = "error"
)

// tellFindings prints findings for people to read.
func (s session) tellFindings(findings []finding) error {
	marks := map[level]string{fine: "✓", warning: "!", wrong: "✗"}
	if colored, _ := s.colored("auto", s.stdout); colored {
		marks = map[level]string{fine: "\x1b[32m✓\x1b[0m", warning: "\x1b[33m!\x1b[0m", wrong: "\x1b[31m✗\x1b[0m"}
	}
	for _, f := range findings {
		text := fmt.Sprintf("%s %s: %s\n", marks[f.Level], f.Check, f.What)
		if f.Why != "" {
			text += "    " + f.Why + "\n"
		}
		if f.Mend != "" {
			text += "    → " + f.Mend + "\n"
		}
		if _, err := fmt.Fprint(s.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// fix mends what can be mended without asking.
func (s session) fix(ctx context.Context, r registry.Registry) []finding {
	return append(s.repair(ctx, r), s.clearUp(s.findRuns(ctx))...)
}

// examine makes every checkup. Where the registry cannot be read, the rest
// would only say so again.
func (s session) examine(c *cli.Context, r registry.Registry) []finding {
	findings, leases, ok := s.examineRegistry(c.Context, r)
	if !ok {
		return findings
	}
	runs := s.findRuns(c.Context)
	return slices.Concat(
		findings,
		examineLeases(r, leases),
		s.examineMachine(leases),
		examineRuns(runs),
		s.examineProject(c, leases, runs),
	)
}

// all gives the findings, or, if there are none, that all is well.
func all(findings []finding, check, format string, args ...any) []finding {
	if len(findings) > 0 {
		return findings
	}
	return []finding{{Check: check, Level: fine, What: fmt.Sprintf(format, args...)}}
}

// count is "no ports", "1 port" or "3 ports".
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
