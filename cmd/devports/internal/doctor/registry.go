package doctor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// lockTimeout is how long doctor waits for the registry, which other commands
// lock for some milliseconds only.
const lockTimeout = 2 * time.Second

// examineRegistry checks that the registry can be read and written. ok is false
// if its leases cannot be read.
func (d Doctor) examineRegistry(ctx context.Context) (findings []Finding, leases []registry.Lease, ok bool) {
	const noPorts = "until this is fixed, no name gets a new port"
	leases, err := d.Registry.Leases()
	if err != nil {
		return d.troubles("registry", err, noPorts), nil, false
	}
	var held *lockfile.HeldError
	if err := d.Registry.Probe(ctx, lockTimeout); errors.As(err, &held) {
		findings = append(findings, lockHeld(held))
	} else if err != nil {
		findings = append(findings, d.troubles("registry", err, "existing leases stay valid, but "+noPorts)...)
	}
	scopes := map[registry.Scope]bool{}
	for _, l := range leases {
		scopes[l.Scope] = true
	}
	delete(scopes, registry.Scope{}) // no checkout
	if len(scopes) == 0 {
		return all(findings, "registry", "%s has %s", d.Registry.Path(), wording.Count(len(leases), "port")), leases, true
	}
	return all(findings, "registry", "%s has %s of %s", d.Registry.Path(), wording.Count(len(leases), "port"), wording.Count(len(scopes), "checkout")), leases, true
}

// repair repairs a damaged registry. There are no findings if nothing is
// damaged.
func (d Doctor) repair(ctx context.Context) []Finding {
	done, err := d.Registry.Repair(ctx)
	if err != nil {
		return d.troubles("registry", err, "")
	}
	if done.Damage == nil {
		return nil
	}
	findings := []Finding{{
		Check: "registry", Level: Fine,
		What: fmt.Sprintf("repaired %s: recovered %s from it, %s from its backup",
			d.Registry.Path(), wording.Count(len(done.Read), "port"), wording.Count(len(done.Older), "port")),
		Why: "the damaged file was moved to " + done.Aside,
	}}
	for _, l := range done.Refused {
		findings = append(findings, Finding{
			Check: "registry", Level: Warning,
			What: fmt.Sprintf("%s has lost port %d: an older lease has it", l.String(), l.Port),
			Fix:  "its next start leases another port",
		})
	}
	for _, l := range done.Lost {
		where := "part"
		if l.Line > 0 {
			where = fmt.Sprintf("line %d", l.Line)
		}
		findings = append(findings, Finding{
			Check: "registry", Level: Warning,
			What: fmt.Sprintf("could not recover %s of the damaged file: %s", where, l.Text),
		})
	}
	return findings
}

// examineLeases checks the leases.
func (d Doctor) examineLeases(here checkout.Checkout, leases []registry.Lease, runs []control.QueryResult) []Finding {
	var findings []Finding
	gone, err := d.Registry.Gone(here)
	noStale := "no stale directories"
	if len(gone) > 0 { // which examineRuns reports
		noStale = "no stale directories except those of runs"
	}
	gone = slices.DeleteFunc(gone, func(l registry.Lease) bool { // the run still uses its ports
		return slices.ContainsFunc(runs, func(r control.QueryResult) bool { return r.Holder != nil && r.Note.Directory == l.Scope.Directory })
	})
	if err == nil && len(gone) > 0 {
		var dirs []string
		for _, l := range gone {
			dirs = append(dirs, l.Scope.Directory)
		}
		dirs = slices.Compact(dirs)
		findings = append(findings, Finding{
			Check: "leases", Level: Warning,
			What: fmt.Sprintf("stale directories still have %s: %s", wording.Count(len(gone), "port"), strings.Join(dirs, ", ")),
			Why:  "a project that was moved gets its ports back at its next start; otherwise they are unused",
			Fix:  "devports prune",
		})
	}
	shared := registry.ByPort(leases)
	for _, l := range leases {
		others := shared[l.Port]
		if len(others) < 2 || others[0] != l {
			continue
		}
		var names []string
		for _, o := range others[:min(len(others), maxNames)] {
			names = append(names, o.String())
		}
		if more := len(others) - maxNames; more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		findings = append(findings, Finding{
			Check: "leases", Level: Warning,
			What: fmt.Sprintf("port %d is pinned %d times: by %s", l.Port, len(others), wording.List(names)),
			Why:  "only one of them can be up at a time",
			Fix:  unpin(others),
		})
	}
	return all(findings, "leases", "%s, and no port has two owners", noStale)
}

// maxNames is how many of the names that share a port are listed.
const maxNames = 6

// unpin is the fix for several names that pin the same port.
func unpin(leases []registry.Lease) string {
	for _, l := range leases {
		if l.Scope.UserWide() {
			return fmt.Sprintf("move all but one to other ports: devports port -g --pin PORT %s, or release them: devports rm -g %[1]s", text.QuoteArg(l.Name.String()))
		}
	}
	return fmt.Sprintf("to run them at the same time, remove port = %d from all but one Portfile", leases[0].Port)
}

// lockHeld is the finding that a process holds the lock of the registry.
func lockHeld(held *lockfile.HeldError) Finding {
	f := Finding{
		Check: "registry", Level: Wrong,
		What: "its lock is held by an unknown process: " + held.Path,
		Why:  "commands that need a new port wait for it, and fail after 10 s",
		Fix:  "to see which process: " + wording.WhoOpened(held.Path),
	}
	if held.PID != 0 {
		f.What = fmt.Sprintf("its lock is held by pid %d (%s), since %s", held.PID, text.OneLine(held.Command), held.Since.Local().Format(time.DateTime))
		f.Fix = fmt.Sprintf("resume it (kill -CONT %[1]d) or kill it (kill -KILL %[1]d): the registry is safe either way", held.PID)
		if runtime.GOOS == "windows" {
			f.Fix = "kill it (" + wording.Kill(held.PID) + "): the registry is safe"
		}
	}
	return f
}
