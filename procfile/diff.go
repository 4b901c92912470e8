package procfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
)

// ChangeKind is what a new version of a file means for a service.
type ChangeKind string

const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Changed  ChangeKind = "changed"  // it has to be restarted
	Adjusted ChangeKind = "adjusted" // it runs on; only how it is stopped or ordered differs
)

// Change is the difference that a new version makes to one service.
type Change struct {
	Service string
	Kind    ChangeKind
	Reasons []string // of Changed: what differs, such as "command" or "env LOG_LEVEL"
}

// Diff compares two plans, service by service, in name order. A service has
// changed when its own process would be another: command, directory or
// environment. The PORT_<NAME> of a service that is new or gone is no change
// to the others, one with another number is (section 8 of the design).
func Diff(before, after Plan) []Change {
	var changes []Change
	for _, b := range before.Services {
		a, ok := after.Service(b.Service)
		if !ok {
			changes = append(changes, Change{Service: b.Service, Kind: Removed})
			continue
		}
		if reasons := differences(b, a); len(reasons) > 0 {
			changes = append(changes, Change{b.Service, Changed, reasons})
		} else if b.adjustable() != a.adjustable() || !slices.Equal(b.DependsOn, a.DependsOn) {
			changes = append(changes, Change{Service: b.Service, Kind: Adjusted})
		}
	}
	for _, a := range after.Services {
		if _, ok := before.Service(a.Service); !ok {
			changes = append(changes, Change{Service: a.Service, Kind: Added})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Service, b.Service) })
	return changes
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

func differences(before, after Process) []string {
	var reasons []string
	if before.Shell != after.Shell || !slices.Equal(before.Argv, after.Argv) {
		reasons = append(reasons, "command")
	}
	if before.Dir != after.Dir {
		reasons = append(reasons, "dir")
	}
	for _, name := range slices.Sorted(maps.Keys(before.ports)) {
		if now, ok := after.ports[name]; ok && now != before.ports[name] {
			reasons = append(reasons, fmt.Sprintf("%s %s → %s", name, before.ports[name], now))
		} else if !ok && name == "PORT" {
			reasons = append(reasons, "port")
		}
	}
	if _, had := before.ports["PORT"]; !had && after.ports["PORT"] != "" {
		reasons = append(reasons, "port")
	}
	other := before.Ready.How != after.Ready.How || before.Ready.What != after.Ready.What
	if other && !slices.Contains(reasons, "port") { // which the default check goes by
		reasons = append(reasons, "ready")
	}
	if names := differentNames(otherVars(before), otherVars(after)); len(names) > 0 {
		reasons = append(reasons, "env "+strings.Join(names, ", "))
	}
	return reasons
}

// otherVars is the environment less the variables that carry port numbers, and
// less the list that says who has set the others.
func otherVars(p Process) map[string]string {
	vars := make(map[string]string, len(p.Env))
	for _, entry := range p.Env {
		name, value, _ := strings.Cut(entry, "=")
		if _, port := p.ports[name]; !port && name != envvar.Env {
			vars[name] = value
		}
	}
	return vars
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
