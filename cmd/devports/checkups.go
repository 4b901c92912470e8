package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/lockfile"
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

// examineMachine compares the ports that are kept with those that the system
// takes for itself.
func (s session) examineMachine(leases []registry.Lease) []finding {
	local, err := allocator.LocalPorts()
	if err != nil {
		return []finding{{Check: "machine", Level: warning, What: err.Error(), Why: "its ephemeral ports are guessed"}}
	}
	var findings []finding
	if left, widened := allocator.NewPool(allocator.Set{}, local).Widened(); widened {
		findings = append(findings, finding{
			Check: "machine", Level: warning,
			What: fmt.Sprintf("the ephemeral range %s leaves only %d ports to choose from", local.Ephemeral, left),
			Why:  "ports are chosen from it, too, and an outgoing connection may hold one when its service starts",
			Mend: linuxOnly(`sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"`),
		})
	}
	var names []string
	var exposed allocator.Set
	for _, l := range leases {
		if local.Ephemeral.Contains(l.Port) && !local.Reserved.Contains(l.Port) {
			names = append(names, fmt.Sprintf("%s (%d)", whose(l), l.Port))
			exposed = exposed.Union(allocator.NewSet(allocator.Range{First: l.Port, Last: l.Port}))
		}
	}
	if len(names) > 0 {
		findings = append(findings, finding{
			Check: "machine", Level: warning,
			What: fmt.Sprintf("in the ephemeral range %s lie the ports of %s", local.Ephemeral, list(names)),
			Why:  "an outgoing connection may hold such a port when its service starts",
			Mend: linuxOnly(fmt.Sprintf("sudo sysctl -w net.ipv4.ip_local_reserved_ports=%s", local.Reserved.Union(exposed))),
		})
	}
	return all(findings, "machine", "no port that is kept lies in the ephemeral range %s", local.Ephemeral)
}

func linuxOnly(mend string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	return mend
}

// examineProject looks at the project here, if there is one: at its files, and
// at who holds its ports.
func (s session) examineProject(c *cli.Context, leases []registry.Lease) []finding {
	p, err := s.openProject(c)
	var missing *procfile.NotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	var plan procfile.Plan
	if err == nil {
		plan, err = p.check()
	}
	if err != nil {
		return s.troubles("project", err, "nothing is started before it is mended")
	}
	var findings []finding
	for _, n := range plan.Notes {
		findings = append(findings, finding{Check: "project", Level: warning, What: n.Error(), Mend: n.Hint})
	}
	scope, err := p.registry.Scope(p.checkout)
	if err != nil {
		return append(findings, s.troubles("project", err, "")...)
	}
	var own []registry.Lease
	for _, l := range leases {
		if l.Scope == scope {
			own = append(own, l)
		}
	}
	ours := func(h holder.Process) bool {
		return h.Managed && h.Project == scope.Project && h.Worktree == scope.Worktree
	}
	if err := s.free(c.Context, own, ours); err != nil {
		findings = append(findings, s.troubles("project", err, "the service cannot start on it")...)
	}
	return all(findings, "project", "%s is valid, and nobody else holds its ports", p.file.Name)
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
