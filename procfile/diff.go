package procfile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ChangeKind is the effect of a new version of a file on a service.
type ChangeKind string

const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Changed  ChangeKind = "changed"  // it has to restart
	Adjusted ChangeKind = "adjusted" // it keeps running; only its stop settings or order differ
	Kept     ChangeKind = "kept"     // it keeps running with its old environment: see RestartOn of Process
	Stopped  ChangeKind = "stopped"  // it has changed, but stays stopped, as its user has stopped it. Not of Diff
)

// Change is the effect of a new version of a file on one service.
type Change struct {
	Service string
	Kind    ChangeKind
	Reasons []string // for Changed, Stopped and Kept: the differences, such as "command" or "env LOG_LEVEL"
}

// StepChanged is the only reason of a step of the setup that has changed.
const StepChanged = "step"

// Diff compares two plans, service by service, in name order. A service has
// changed if its command, build, directory, readiness check or environment has.
// The PORT_<NAME> of an added or removed service does not change the others; a
// PORT_<NAME> with a new number does.
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

// adjustable returns the settings that may change while the process runs.
func (p Process) adjustable() (a struct {
	stopSignal                string
	stopTimeout, readyTimeout time.Duration
	restart                   Restart
	http                      bool
	host, hostHeader, address string
},
) {
	a.stopSignal, a.stopTimeout, a.readyTimeout, a.restart = p.StopSignal, p.StopTimeout, p.Ready.Timeout, p.Restart
	a.http, a.host, a.hostHeader, a.address = p.HTTP, p.Host, p.HostHeader, p.Address
	return a
}

// comparison compares processes. It compares common environments only once.
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

// differences returns the reasons to restart a service, and the changes that
// its RestartOn ignores.
func (c comparison) differences(before, after Process) (reasons, kept []string) {
	if before.Setup != nil && after.Setup != nil {
		if !before.Setup.equal(after.Setup) {
			reasons = append(reasons, StepChanged)
		}
		return reasons, nil // a changed environment does not make a step run again
	}
	if (before.Setup == nil) != (after.Setup == nil) {
		return []string{StepChanged}, nil
	}
	if !reflect.DeepEqual(before.Container, after.Container) {
		reasons = append(reasons, "container")
	} else if before.Shell != after.Shell || !slices.Equal(before.Argv, after.Argv) {
		reasons = append(reasons, "command")
	}
	if !before.Build.equal(after.Build) {
		reasons = append(reasons, "build")
	}
	if before.Shared != after.Shared {
		reasons = append(reasons, "shared")
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
	if other && !slices.Contains(reasons, "port") { // a new port changes the default check
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
