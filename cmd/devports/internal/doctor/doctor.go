// Package doctor looks for problems: with the registry and its leases, with
// this machine, with the runs, and with the project here.
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
	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// Finding is the result of a check.
type Finding struct {
	Check string `json:"check"` // what was checked
	Level Level  `json:"level"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"` // why it matters
	Fix   string `json:"fix,omitempty"` // how to fix it: mostly a command
}

// Level is the severity of a finding.
type Level string

const (
	Fine    Level = "ok"
	Warning Level = "warning"
	Wrong   Level = "error"
)

// IsWrong reports whether the finding is an error.
func (f Finding) IsWrong() bool { return f.Level == Wrong }

// Doctor examines the registry, the runs and the project of its fields.
type Doctor struct {
	Registry    registry.Registry
	Runs        *control.Runs                   // nil where the user has no home
	Logs        *logstore.Store                 // nil where the user has no home
	OpenProject func() (project.Project, error) // the project here; the error is *procfile.NotFoundError if there is none
	Range       allocator.Set                   // DEVPORTS_RANGE; empty: the project's range
	Listening   func(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error)
	OrphanGrace time.Duration            // between SIGTERM and SIGKILL for the processes of a killed run
	Containers  func() []container.Owned // of all runs; nil: they are not examined

	// StaleSteps returns the steps of the project's setup that would run at the
	// next start, and why.
	StaleSteps func(p project.Project, scope registry.Scope, plan procfile.Plan) map[string]string

	Describe        func(error) []Trouble
	FormatProcesses func([]launcher.Orphan) string
}

// Trouble is an error as it is printed, with its fix.
type Trouble struct{ What, Fix string }

// Fix fixes problems that have a safe fix.
func (d Doctor) Fix(ctx context.Context) []Finding {
	return append(d.repair(ctx), d.clearUp(d.findRuns(ctx))...)
}

// Examine runs every check. If the registry cannot be read, it skips the
// others, which would report the same.
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
		d.examineLeases(p.Checkout, leases, runs),
		examineMachine(leases, allow, named),
		d.examineRuns(runs),
		d.examineLogs(),
		d.examineProject(ctx, p, err, leases, runs),
	)
}

// troubles converts an error to findings.
func (d Doctor) troubles(check string, err error, why string) []Finding {
	var findings []Finding
	for _, t := range d.Describe(err) {
		findings = append(findings, Finding{Check: check, Level: Wrong, What: t.What, Why: why, Fix: t.Fix})
	}
	return findings
}

// all returns the findings, or if there are none, one that all is well.
func all(findings []Finding, check, format string, args ...any) []Finding {
	if len(findings) > 0 {
		return findings
	}
	return []Finding{{Check: check, Level: Fine, What: fmt.Sprintf(format, args...)}}
}
