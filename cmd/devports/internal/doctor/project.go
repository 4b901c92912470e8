package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/scaffold"
	"github.com/devports/devports/registry"
)

// foreignFiles are the Portfiles above that are not taken.
func foreignFiles(missing *procfile.NotFoundError) (findings []Finding) {
	for _, foreign := range missing.Foreign {
		findings = append(findings, Finding{
			Check: "project", Level: Warning, What: foreign.Error(),
			Why: "what it says would be run", Fix: "if you trust it, name it: -f " + text.QuoteSh(foreign.Path),
		})
	}
	return findings
}

// examineProject looks at the project here, as OpenProject gave it: at its files,
// at who holds its ports, at what its run does and at what it needs of the machine.
func (d Doctor) examineProject(ctx context.Context, p project.Project, err error, leases []registry.Lease, runs []control.Answer) []Finding {
	var missing *procfile.NotFoundError
	if errors.As(err, &missing) {
		return foreignFiles(missing)
	}
	var plan procfile.Plan
	if err == nil {
		plan, err = p.Check()
	}
	var scope registry.Scope
	if err == nil {
		scope, leases, err = p.Registry.SeenFrom(p.Checkout)
	}
	if err != nil {
		return d.troubles("project", err, "nothing is started before it is mended")
	}
	here := d.runOf(runs, scope)
	findings := slices.Concat(projectNotes(plan), examinePins(p, scope, leases), d.examineHolders(ctx, p, scope, leases))
	ports, err := d.portsByService(ctx, here)
	services := []Finding{{Check: "services", Level: Warning, What: fmt.Sprintf("where they listen cannot be told: %v", err)}}
	if err == nil {
		services = examineServices(ctx, here, ports, leases)
	}
	return slices.Concat(
		all(findings, "project", "%s is valid, and nobody else holds its ports", p.File.Name),
		unboundPins(p, scope),
		examineCommands(p.File, plan, here, ports),
		services,
		examineWatching(plan, p.File.Dir, here.Note.PID),
		examineOpenFiles(plan),
	)
}

// examineCommands looks for dev servers that listen where they like, as far as a
// command shows it. Where a service listens now is the better evidence.
func examineCommands(file procfile.File, plan procfile.Plan, here control.Answer, ports map[string][]int) []Finding {
	var findings []Finding
	for _, process := range plan.Services {
		declared, ok := file.Service(process.Service)
		if !ok || !declared.HasPort || process.Shell == "" {
			continue
		}
		if slices.ContainsFunc(here.Info.Services, func(st launcher.Status) bool {
			return st.Service == process.Service && slices.Contains(ports[st.Service], st.Port)
		}) {
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
		f := Finding{
			Check: "services", Level: Warning,
			What: fmt.Sprintf("%s will not listen on its PORT: %s takes no notice of it", process.Service, name),
			Why:  "whoever looks for it on its PORT does not find it, and two checkouts want the same port",
			Fix:  "have it run: " + server.Command,
		}
		if server.Fixed != 0 {
			f.What = fmt.Sprintf("%s will not listen on its PORT: its command says %d", process.Service, server.Fixed)
		}
		if server.Command == "" {
			f.Fix = "have it get " + server.Flag
		}
		findings = append(findings, f)
	}
	return findings
}

// projectNotes are what is no mistake of the files, but not as it seems.
func projectNotes(plan procfile.Plan) []Finding {
	var findings []Finding
	for _, n := range plan.Notes {
		findings = append(findings, Finding{Check: "project", Level: Warning, What: n.Error(), Fix: n.Hint})
	}
	return findings
}

// unboundPins are the pins that do not bind in a scope: nothing is wrong with
// that, unless there is none where they do.
func unboundPins(p project.Project, scope registry.Scope) []Finding {
	var findings []Finding
	level, why := Fine, "pins bind in the main checkout alone: every other one has ports of its own"
	if p.Checkout.Vacant {
		level, why = Warning, "pins bind in the worktree that has the default branch checked out, and none has"
	}
	for _, w := range p.Unbound(scope) {
		findings = append(findings, Finding{
			Check: "project", Level: level,
			What: fmt.Sprintf("%s: %d pinned, not in this checkout, %s", w.Name, w.Pin, scope),
			Why:  why,
			Fix:  "devports port " + w.Name.String() + " prints the port here",
		})
	}
	return findings
}

// examineHolders looks for what keeps the services of the project from their
// ports: other holders, and names that have chosen a number that is pinned here.
func (d Doctor) examineHolders(ctx context.Context, p project.Project, scope registry.Scope, leases []registry.Lease) []Finding {
	trying, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	err := p.Try(trying, project.StartedIn)
	var taken *project.TakenError
	var conflict *registry.ConflictError
	if err != nil && !errors.As(err, &taken) && !errors.As(err, &conflict) {
		// The registry cannot be updated, which is another finding.
		own := slices.DeleteFunc(slices.Clone(leases), func(l registry.Lease) bool { return l.Scope != scope })
		err = p.Free(ctx, own, project.StartedIn(scope))
	}
	if err != nil {
		return d.troubles("project", err, "the service cannot start on it")
	}
	return nil
}

// examinePins looks for pins that nothing is leased for yet and that an outgoing
// connection may hold; examineMachine looks at leases.
func examinePins(p project.Project, scope registry.Scope, leases []registry.Lease) []Finding {
	local, err := allocator.LocalPorts()
	if err != nil || !p.Binds(scope) {
		return nil
	}
	var findings []Finding
	for _, w := range p.File.Ports() {
		leased := slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Port == w.Pin })
		if w.Pin == 0 || leased || !local.Exposes(w.Pin) {
			continue
		}
		findings = append(findings, Finding{
			Check: "project", Level: Warning,
			What: fmt.Sprintf("%s is pinned to %d, which lies in the ephemeral range %s", w.Name, w.Pin, local.Ephemeral),
			Why:  "an outgoing connection may hold it when its service starts",
			Fix:  reserve(local, w.Pin),
		})
	}
	return findings
}
