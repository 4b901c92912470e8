package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/registry"
)

// lockPatience is how long doctor waits for the registry: nobody has it for
// more than some milliseconds.
const lockPatience = 2 * time.Second

// examineRegistry looks whether the registry can be read and written. Without
// leases to go on with, ok is false.
func (s session) examineRegistry(ctx context.Context, r registry.Registry) (findings []finding, leases []registry.Lease, ok bool) {
	const noPorts = "as long as it is so, no name gets a port"
	leases, err := r.Leases()
	if err != nil {
		return s.troubles("registry", err, noPorts), nil, false
	}
	var held *lockfile.HeldError
	if err := r.Probe(ctx, lockPatience); errors.As(err, &held) {
		findings = append(findings, lockHeld(held))
	} else if err != nil {
		findings = append(findings, s.troubles("registry", err, "names that have a port keep it, but "+noPorts)...)
	}
	scopes := map[registry.Scope]bool{}
	for _, l := range leases {
		scopes[l.Scope] = true
	}
	delete(scopes, registry.Scope{}) // no checkout
	return all(findings, "registry", "%s keeps %s of %s", r.Path(), count(len(leases), "port"), count(len(scopes), "checkout")), leases, true
}

// troubles are findings made of an error.
func (s session) troubles(check string, err error, why string) []finding {
	var findings []finding
	for _, l := range s.explain(err).lines {
		findings = append(findings, finding{Check: check, Level: wrong, What: l.text, Why: why, Mend: l.hint})
	}
	return findings
}

// repair puts a damaged registry in order. There are no findings if nothing is
// damaged.
func (s session) repair(ctx context.Context, r registry.Registry) []finding {
	done, err := r.Repair(ctx)
	if err != nil {
		return s.troubles("registry", err, "")
	}
	if done.Damage == nil {
		return nil
	}
	findings := []finding{{
		Check: "registry", Level: fine,
		What: fmt.Sprintf("%s is in order again: %s read from it, %s from the version before",
			r.Path(), count(len(done.Read), "port"), count(len(done.Older), "port")),
		Why: "what was there is kept as " + done.Aside,
	}}
	for _, l := range done.Refused {
		findings = append(findings, finding{
			Check: "registry", Level: warning,
			What: fmt.Sprintf("%s has no port now: %d is an older name's", whose(l), l.Port),
			Mend: "its next start chooses another",
		})
	}
	for _, l := range done.Lost {
		where := ""
		if l.Line > 0 {
			where = fmt.Sprintf("line %d of ", l.Line)
		}
		findings = append(findings, finding{
			Check: "registry", Level: warning,
			What: fmt.Sprintf("%sthe damaged file could not be understood: %s", where, l.Text),
		})
	}
	return findings
}

// examineLeases looks at what is kept.
func examineLeases(r registry.Registry, leases []registry.Lease) []finding {
	var findings []finding
	if gone, err := r.Gone(); err == nil && len(gone) > 0 {
		var dirs []string
		for _, l := range gone {
			dirs = append(dirs, l.Scope.Directory)
		}
		dirs = slices.Compact(dirs)
		findings = append(findings, finding{
			Check: "leases", Level: warning,
			What: fmt.Sprintf("folders that are gone still have %s: %s", count(len(gone), "port"), strings.Join(dirs, ", ")),
			Why:  "a project that was moved gets them back when it is next started; else nobody needs them",
			Mend: "devports prune",
		})
	}
	shared := byPort(leases)
	for _, l := range leases {
		others := shared[l.Port]
		if len(others) < 2 || others[0] != l {
			continue
		}
		var names []string
		for _, o := range others {
			names = append(names, whose(o))
		}
		findings = append(findings, finding{
			Check: "leases", Level: warning,
			What: fmt.Sprintf("port %d is pinned %d times: by %s", l.Port, len(others), list(names)),
			Why:  "only one of them can be up at a time",
			Mend: "to have them up together, take port = " + fmt.Sprint(l.Port) + " out of all but one Portfile",
		})
	}
	return all(findings, "leases", "every folder is there, and no port has two owners")
}

// lockHeld says who keeps everybody from the registry.
func lockHeld(held *lockfile.HeldError) finding {
	f := finding{
		Check: "registry", Level: wrong,
		What: "its lock is held by a process that does not say who it is: " + held.Path,
		Why:  "whoever needs a new port waits for it, and fails after 10 s",
	}
	if held.PID != 0 {
		f.What = fmt.Sprintf("its lock is held by pid %d (%s), since %s", held.PID, oneLine(held.Command), held.Since.Local().Format(time.DateTime))
		f.Mend = fmt.Sprintf("let it go on (kill -CONT %[1]d) or end it (kill -KILL %[1]d): the registry is safe either way", held.PID)
	}
	return f
}
