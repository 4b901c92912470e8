package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// lockPatience is how long doctor waits for the registry: nobody has it for
// more than some milliseconds.
const lockPatience = 2 * time.Second

// examineRegistry looks whether the registry can be read and written. Without
// leases to go on with, ok is false.
func (d Doctor) examineRegistry(ctx context.Context) (findings []Finding, leases []registry.Lease, ok bool) {
	const noPorts = "as long as it is so, no name gets a port"
	leases, err := d.Registry.Leases()
	if err != nil {
		return d.troubles("registry", err, noPorts), nil, false
	}
	var held *lockfile.HeldError
	if err := d.Registry.Probe(ctx, lockPatience); errors.As(err, &held) {
		findings = append(findings, lockHeld(held))
	} else if err != nil {
		findings = append(findings, d.troubles("registry", err, "names that have a port keep it, but "+noPorts)...)
	}
	scopes := map[registry.Scope]bool{}
	for _, l := range leases {
		scopes[l.Scope] = true
	}
	delete(scopes, registry.Scope{}) // no checkout
	return all(findings, "registry", "%s keeps %s of %s", d.Registry.Path(), wording.Count(len(leases), "port"), wording.Count(len(scopes), "checkout")), leases, true
}

// repair puts a damaged registry in order. There are no findings if nothing is
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
		What: fmt.Sprintf("%s is in order again: %s read from it, %s from the version before",
			d.Registry.Path(), wording.Count(len(done.Read), "port"), wording.Count(len(done.Older), "port")),
		Why: "what was there is kept as " + done.Aside,
	}}
	for _, l := range done.Refused {
		findings = append(findings, Finding{
			Check: "registry", Level: Warning,
			What: fmt.Sprintf("%s has no port now: %d is an older name's", l.String(), l.Port),
			Fix:  "its next start chooses another",
		})
	}
	for _, l := range done.Lost {
		where := ""
		if l.Line > 0 {
			where = fmt.Sprintf("line %d of ", l.Line)
		}
		findings = append(findings, Finding{
			Check: "registry", Level: Warning,
			What: fmt.Sprintf("%sthe damaged file could not be understood: %s", where, l.Text),
		})
	}
	return findings
}

// examineLeases looks at what is kept.
func (d Doctor) examineLeases(leases []registry.Lease, runs []control.Answer) []Finding {
	var findings []Finding
	gone, err := d.Registry.Gone()
	everyFolder := "every folder is there"
	if len(gone) > 0 { // that it is gone is said of the run
		everyFolder = "no folder is gone but those of runs"
	}
	gone = slices.DeleteFunc(gone, func(l registry.Lease) bool { // it uses its ports
		return slices.ContainsFunc(runs, func(r control.Answer) bool { return r.Holder != nil && r.Note.Directory == l.Scope.Directory })
	})
	if err == nil && len(gone) > 0 {
		var dirs []string
		for _, l := range gone {
			dirs = append(dirs, l.Scope.Directory)
		}
		dirs = slices.Compact(dirs)
		findings = append(findings, Finding{
			Check: "leases", Level: Warning,
			What: fmt.Sprintf("folders that are gone still have %s: %s", wording.Count(len(gone), "port"), strings.Join(dirs, ", ")),
			Why:  "a project that was moved gets them back when it is next started; else nobody needs them",
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
		for _, o := range others[:min(len(others), mostNamed)] {
			names = append(names, o.String())
		}
		if more := len(others) - mostNamed; more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		findings = append(findings, Finding{
			Check: "leases", Level: Warning,
			What: fmt.Sprintf("port %d is pinned %d times: by %s", l.Port, len(others), wording.List(names)),
			Why:  "only one of them can be up at a time",
			Fix:  unpin(others),
		})
	}
	return all(findings, "leases", "%s, and no port has two owners", everyFolder)
}

// mostNamed is how many of the names that share a port are named.
const mostNamed = 6

// unpin is how to give names that pin one port different ones.
func unpin(leases []registry.Lease) string {
	for _, l := range leases {
		if l.Scope.UserWide() {
			return fmt.Sprintf("give all but one of them another: devports port -g --pin PORT %s, or devports rm -g %[1]s", text.QuoteSh(l.Name.String()))
		}
	}
	return fmt.Sprintf("to have them up together, take port = %d out of all but one Portfile", leases[0].Port)
}

// lockHeld says who keeps everybody from the registry.
func lockHeld(held *lockfile.HeldError) Finding {
	f := Finding{
		Check: "registry", Level: Wrong,
		What: "its lock is held by a process that does not say who it is: " + held.Path,
		Why:  "whoever needs a new port waits for it, and fails after 10 s",
	}
	if held.PID != 0 {
		f.What = fmt.Sprintf("its lock is held by pid %d (%s), since %s", held.PID, text.OneLine(held.Command), held.Since.Local().Format(time.DateTime))
		f.Fix = fmt.Sprintf("let it go on (kill -CONT %[1]d) or end it (kill -KILL %[1]d): the registry is safe either way", held.PID)
	}
	return f
}
