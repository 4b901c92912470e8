// Package doctor looks for what is wrong: with the registry and the ports that
// it keeps, with this machine, with the runs, and with the project here.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// Finding is what a checkup has found.
type Finding struct {
	Check string `json:"check"` // what was checked
	Level Level  `json:"level"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"` // why it matters
	Fix   string `json:"fix,omitempty"` // how to fix it: mostly a command
}

// Level says how bad a finding is.
type Level string

const (
	Fine    Level = "ok"
	Warning Level = "warning"
	Wrong   Level = "error"
)

// IsWrong reports whether the finding is an error.
func (f Finding) IsWrong() bool { return f.Level == Wrong }

// Doctor examines what its fields name.
type Doctor struct {
	Registry    registry.Registry
	Runs        *control.Folder                 // nil where the user has no home
	OpenProject func() (project.Project, error) // the one here; without one the error is *procfile.NotFoundError
	Range       allocator.Set                   // where the user wants ports to come from; empty: the project says that
	Listening   func(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error)
	LeftGrace   time.Duration // what processes that a killed run has left get to end by themselves

	Explain func(error) []Trouble          // an error in words
	Left    func([]launcher.Orphan) string // processes in words
}

// Trouble is an error in the words that the user reads.
type Trouble struct{ What, Fix string }

// Fix fixes what can be fixed without asking.
func (d Doctor) Fix(ctx context.Context) []Finding {
	return append(d.repair(ctx), d.clearUp(d.findRuns(ctx))...)
}

// Examine makes every checkup. Where the registry cannot be read, the rest
// would only say so again.
func (d Doctor) Examine(ctx context.Context) []Finding {
	findings, leases, ok := d.examineRegistry(ctx)
	if !ok {
		return findings
	}
	runs := d.findRuns(ctx)
	p, err := d.OpenProject()
	allow, named := d.Range, fmt.Sprintf("DEVPORTS_RANGE=%s", d.Range)
	if allow.Empty() {
		allow, named = p.File.Range, fmt.Sprintf(`range = "%s" in %s`, p.File.Range, p.File.Name)
	}
	return slices.Concat(
		findings,
		d.examineLeases(leases, runs),
		examineMachine(leases, allow, named),
		d.examineRuns(runs),
		d.examineProject(ctx, p, err, leases, runs),
	)
}

// troubles are findings made of an error.
func (d Doctor) troubles(check string, err error, why string) []Finding {
	var findings []Finding
	for _, t := range d.Explain(err) {
		findings = append(findings, Finding{Check: check, Level: Wrong, What: t.What, Why: why, Fix: t.Fix})
	}
	return findings
}

// all gives the findings, or, if there are none, that all is well.
func all(findings []Finding, check, format string, args ...any) []Finding {
	if len(findings) > 0 {
		return findings
	}
	return []Finding{{Check: check, Level: Fine, What: fmt.Sprintf(format, args...)}}
}
