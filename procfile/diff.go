package procfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ChangeKind is what a new version of a file means for a service.
type ChangeKind string

const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Changed  ChangeKind = "changed"  // it has to be restarted
	Adjusted ChangeKind = "adjusted" // it runs on; only how it is stopped or ordered differs
	Kept     ChangeKind = "kept"     // it runs on with the environment that it has: see RestartOn of Process
)

// Change is the difference that a new version makes to one service.
type Change struct {
	Service string
	Kind    ChangeKind
	Reasons []string // of Changed and Kept: what differs, such as "command" or "env LOG_LEVEL"
}

// Diff compares two plans, service by service, in name order. A service has
// changed when its own process would be another: command, directory or
// environment. The PORT_<NAME> of a service that is new or gone is no change
// to the others, one with another number is (section 8 of the design).
func Diff(before, after Plan) []Change {
	var changes []Change
	compare, old, now := comparison{}, before.byName(), after.byName()
	for _, b := range before.Services {
		a, ok := now[b.Service]
		if !ok {
			changes = append(changes, Change{Service: b.Service, Kind: Removed})
			continue
		}
		if reasons, kept := compare.differences(b, a); len(reasons) > 0 {
			changes = append(changes, Change{b.Service, Changed, reasons})
		} else if len(kept) > 0 {
			changes = append(changes, Change{b.Service, Kept, kept})
		} else if b.adjustable() != a.adjustable() || !slices.Equal(b.DependsOn, a.DependsOn) {
			changes = append(changes, Change{Service: b.Service, Kind: Adjusted})
		}
	}
	for _, a := range after.Services {
		if _, ok := old[a.Service]; !ok {
			changes = append(changes, Change{Service: a.Service, Kind: Added})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Service, b.Service) })
	return changes
}

func (p Plan) byName() map[string]Process {
	byName := make(map[string]Process, len(p.Services))
	for _, s := range p.Services {
		byName[s.Service] = s
	}
	return byName
}

// adjustable is what may differ in a process that runs on.
func (p Process) adjustable() (a struct {
	signal        string
	grace, enough time.Duration
	restart       Restart
},
) {
	a.signal, a.grace, a.enough, a.restart = p.StopSignal, p.StopTimeout, p.Ready.Timeout, p.Restart
	return a
}

// comparison compares processes. What plans have in common is compared once.
type comparison map[[2]*commonVars]commonDifference

func (c comparison) common(before, after Process) commonDifference {
	pair := [2]*commonVars{before.Env.common, after.Env.common}
	d, known := c[pair]
	if !known {
		d = differenceOf(pair[0], pair[1])
		c[pair] = d
	}
	return d
}

// differences are the reasons to restart a service, and what it is not restarted
// for, as its RestartOn leaves it out.
func (c comparison) differences(before, after Process) (reasons, kept []string) {
	if before.Shell != after.Shell || !slices.Equal(before.Argv, after.Argv) {
		reasons = append(reasons, "command")
	}
	if !before.Build.equal(after.Build) {
		reasons = append(reasons, "build")
	}
	if before.Dir != after.Dir {
		reasons = append(reasons, "dir")
	}
	port, had := before.Env.port("PORT")
	now, has := after.Env.port("PORT")
	switch {
	case had && has && port != now:
		reasons = append(reasons, renumbered("PORT", port, now))
	case had != has:
		reasons = append(reasons, "port")
	}
	common := c.common(before, after)
	for _, name := range common.ports {
		reason := renumbered(name, before.Env.common.ports[name], after.Env.common.ports[name])
		if after.restartsOn(name) {
			reasons = append(reasons, reason)
		} else {
			kept = append(kept, reason)
		}
	}
	other := before.Ready.Kind != after.Ready.Kind || before.Ready.Arg != after.Ready.Arg
	if other && !slices.Contains(reasons, "port") { // which the default check goes by
		reasons = append(reasons, "ready")
	}
	var counts, ignored []string
	for _, name := range before.Env.differentFrom(after.Env, common.other) {
		if after.restartsOn(name) {
			counts = append(counts, name)
		} else {
			ignored = append(ignored, name)
		}
	}
	if len(counts) > 0 {
		reasons = append(reasons, "env "+strings.Join(counts, ", "))
	}
	if len(ignored) > 0 {
		kept = append(kept, "env "+strings.Join(ignored, ", "))
	}
	return reasons, kept
}

func renumbered(name, before, after string) string {
	return fmt.Sprintf("%s %s → %s", name, before, after)
}

func differentNames(a, b map[string]string) []string {
	different := map[string]bool{}
	for name, value := range a {
		if other, ok := b[name]; !ok || other != value {
			different[name] = true
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			different[name] = true
		}
	}
	return slices.Sorted(maps.Keys(different))
}
