package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/scaffold"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// examineProject looks at the project here, if there is one: at its files, at
// who holds its ports, at what its run does and at what it needs of the machine.
func (s session) examineProject(c *cli.Context, leases []registry.Lease, runs []control.Answer) []finding {
	p, err := s.openProject(c)
	var missing *procfile.NotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	var plan procfile.Plan
	if err == nil {
		plan, err = p.check()
	}
	var scope registry.Scope
	if err == nil {
		scope, err = p.registry.Scope(p.checkout)
	}
	if err != nil {
		return s.troubles("project", err, "nothing is started before it is mended")
	}
	here := s.runOf(runs, scope)
	findings := slices.Concat(p.notes(plan, scope), p.holders(c.Context, scope, leases))
	return slices.Concat(
		all(findings, "project", "%s is valid, and nobody else holds its ports", p.file.Name),
		p.commands(plan),
		examineServices(c.Context, here, leases),
		examineWatching(plan, p.file.Dir, here.Note.PID),
		examineOpenFiles(plan),
	)
}

// commands looks for dev servers that listen where they like, as far as a
// command shows it.
func (p project) commands(plan procfile.Plan) []finding {
	var findings []finding
	for _, process := range plan.Services {
		declared, ok := p.file.Service(process.Service)
		if !ok || !declared.HasPort || process.Shell == "" {
			continue
		}
		server := scaffold.PortFlagIn(os.DirFS(process.Dir), process.Shell)
		if !server.Ignores || server.Fixed != 0 && server.Fixed == declared.Pin {
			continue
		}
		name := server.Framework
		if name == "" {
			name = "its command"
		}
		f := finding{
			Check: "services", Level: warning,
			What: fmt.Sprintf("%s will not listen on its PORT: %s takes no notice of it", process.Service, name),
			Why:  "whoever looks for it on its PORT does not find it, and two checkouts want the same port",
			Mend: "have it run: " + server.Command,
		}
		if server.Fixed != 0 {
			f.What = fmt.Sprintf("%s will not listen on its PORT: its command says %d", process.Service, server.Fixed)
		}
		if server.Command == "" {
			f.Mend = "have it get " + server.Flag
		}
		findings = append(findings, f)
	}
	return findings
}

// notes are what is no mistake of the files, but not as it seems.
func (p project) notes(plan procfile.Plan, scope registry.Scope) []finding {
	var findings []finding
	for _, n := range plan.Notes {
		findings = append(findings, finding{Check: "project", Level: warning, What: n.Error(), Mend: n.Hint})
	}
	if scope.Main() || !checkout.IsBare(p.file.Dir) {
		return findings
	}
	for _, w := range p.file.Ports() {
		if w.Pin != 0 {
			findings = append(findings, finding{
				Check: "project", Level: warning,
				What: fmt.Sprintf("%s is pinned to %d, but that binds in the main checkout alone, and a bare repository has none", w.Name, w.Pin),
				Why:  "it has another port in each worktree",
				Mend: "devports port " + w.Name.String() + " prints the one here",
			})
		}
	}
	return findings
}

// holders tells who holds ports of the project that is not of it.
func (p project) holders(ctx context.Context, scope registry.Scope, leases []registry.Lease) []finding {
	ours := func(h holder.Process) bool {
		return h.Managed && h.Project == scope.Project && h.Worktree == scope.Worktree
	}
	if err := p.session.free(ctx, ownLeases(leases, scope), ours); err != nil {
		return p.session.troubles("project", err, "the service cannot start on it")
	}
	return nil
}

func ownLeases(leases []registry.Lease, scope registry.Scope) []registry.Lease {
	return slices.DeleteFunc(slices.Clone(leases), func(l registry.Lease) bool { return l.Scope != scope })
}
