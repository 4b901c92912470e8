package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/diagnosis"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/scaffold"
	"github.com/devports/devports/registry"
)

// foreignFiles are findings about Portfiles of other users, which are ignored.
func foreignFiles(missing *procfile.NotFoundError) (findings []Finding) {
	for _, foreign := range missing.Foreign {
		findings = append(findings, Finding{
			Check: "project", Level: Warning, What: foreign.Error(),
			Why: "using it would run its commands", Fix: "if you trust it: -f " + text.QuoteArg(foreign.Path),
		})
	}
	return findings
}

// examineProject checks the project here, as OpenProject returned it: its files,
// the holders of its ports, its run, and what it needs from the machine.
func (d Doctor) examineProject(ctx context.Context, p project.Project, err error, leases []registry.Lease, runs []control.QueryResult) []Finding {
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
		return d.troubles("project", err, "nothing starts until this is fixed")
	}
	here := d.runOf(runs, scope)
	findings := slices.Concat(projectNotes(plan), examinePins(p, scope, leases), d.examineHolders(ctx, p, scope, leases, runningContainers(plan, here)))
	ports, err := d.portsByService(ctx, here)
	commands, reported := examineCommands(p.File, plan, here, ports)
	services := []Finding{{Check: "services", Level: Warning, What: fmt.Sprintf("cannot determine where they listen: %v", err)}}
	if err == nil {
		services = examineServices(ctx, here, ports, leases, reported)
	}
	return slices.Concat(
		all(findings, "project", "%s is valid, and no other process holds its ports", p.File.Name),
		unboundPins(p, scope),
		commands,
		examineDependencies(p.File.Dir, plan, here),
		d.examineSetup(p, scope, plan),
		services,
		examineWatching(plan, p.File.Dir, here.Note.PID),
		examineOpenFiles(plan),
	)
}

// examineCommands looks for commands of dev servers that are known to ignore
// PORT, and returns the services that have one. A service that listens on its port
// now is not reported.
func examineCommands(file procfile.File, plan procfile.Plan, here control.QueryResult, ports map[string][]int) (findings []Finding, services []string) {
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
			What: fmt.Sprintf("%s will not listen on its PORT: %s ignores PORT", process.Service, name),
			Why:  "other services do not find it, and two checkouts use the same port",
			Fix:  "change its command to: " + server.Command,
		}
		if server.Fixed != 0 {
			f.What = fmt.Sprintf("%s will not listen on its PORT: its command uses %d", process.Service, server.Fixed)
		}
		if server.Command == "" {
			f.Fix = "add " + server.Flag + " to its command"
		}
		findings, services = append(findings, f), append(services, process.Service)
	}
	return findings, services
}

// examineDependencies looks for what the services need and do not have. It
// leaves out services that run.
func examineDependencies(dir string, plan procfile.Plan, here control.QueryResult) []Finding {
	var findings []Finding
	for _, process := range plan.Services {
		if slices.ContainsFunc(here.Info.Services, func(st launcher.Status) bool { return st.Service == process.Service && st.PID != 0 }) {
			continue
		}
		isStep := func(name string) bool {
			p, ok := plan.Service(name)
			return ok && p.Setup != nil
		}
		if isStep(process.Service) || slices.ContainsFunc(process.DependsOn, isStep) {
			continue // a step installs what it needs
		}
		missing := diagnosis.Check(dir, process)
		if missing == (diagnosis.Missing{}) {
			continue
		}
		findings = append(findings, Finding{
			Check: "services", Level: Warning,
			What: process.Service + ": " + missing.What, Why: "the service is likely to fail", Fix: missing.Fix,
		})
	}
	return findings
}

// projectNotes are the notes about the files, as findings.
func projectNotes(plan procfile.Plan) []Finding {
	var findings []Finding
	for _, n := range plan.Notes {
		findings = append(findings, Finding{Check: "project", Level: Warning, What: n.Error(), Fix: n.Hint})
	}
	return findings
}

// unboundPins are the pins that do not apply in a scope. It is a warning if
// there is no checkout in which they apply.
func unboundPins(p project.Project, scope registry.Scope) []Finding {
	var findings []Finding
	level, why := Fine, "pins apply only in the main checkout: other checkouts have their own ports"
	if p.Checkout.NoDefaultWorktree {
		level, why = Warning, "pins apply only in the worktree of the default branch, and there is none"
	}
	for _, w := range p.Unbound(scope) {
		findings = append(findings, Finding{
			Check: "project", Level: level,
			What: fmt.Sprintf("%s: pin %d does not apply in %s", w.Name, w.Pin, scope),
			Why:  why,
			Fix:  "to print the port here: devports port " + w.Name.String(),
		})
	}
	return findings
}

// examineHolders looks for obstacles to the project's ports: processes that
// hold them, and leases of ports that the project pins. The engine holds the
// ports of the services in containers.
func (d Doctor) examineHolders(ctx context.Context, p project.Project, scope registry.Scope, leases []registry.Lease, containers []string) []Finding {
	trying, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	err := p.Try(trying, project.StartedIn)
	var taken *project.TakenError
	var conflict *registry.ConflictError
	if err != nil && !errors.As(err, &taken) && !errors.As(err, &conflict) {
		// examineRegistry reports that the registry cannot be updated.
		own := slices.DeleteFunc(slices.Clone(leases), func(l registry.Lease) bool { return l.Scope != scope })
		err = p.Free(ctx, own, project.StartedIn(scope))
	}
	if errors.As(err, &taken) {
		taken.Taken = slices.DeleteFunc(taken.Taken, func(t project.Taken) bool {
			return t.Point.Port == 0 && slices.Contains(containers, t.Lease.Name.Service)
		})
		if len(taken.Taken) == 0 {
			return nil
		}
	}
	if err != nil {
		return d.troubles("project", err, "the service cannot start on it")
	}
	return nil
}

// runningContainers returns the services of a run that have a container now.
func runningContainers(plan procfile.Plan, here control.QueryResult) (names []string) {
	for _, st := range here.Info.Services {
		if p, ok := plan.Service(st.Service); ok && p.Container != nil && st.PID != 0 {
			names = append(names, st.Service)
		}
	}
	return names
}

// examinePins looks for pins in the ephemeral range that are not leased yet;
// examineMachine checks the leases.
func examinePins(p project.Project, scope registry.Scope, leases []registry.Lease) []Finding {
	local, err := allocator.LocalPorts()
	if err != nil || !p.Binds(scope) {
		return nil
	}
	var findings []Finding
	for _, w := range p.File.Ports() {
		leased := slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Port == w.Pin })
		if w.Pin == 0 || leased || !local.MayBeEphemeral(w.Pin) {
			continue
		}
		findings = append(findings, Finding{
			Check: "project", Level: Warning,
			What: fmt.Sprintf("%s is pinned to %d, which is in the ephemeral range %s", w.Name, w.Pin, local.Ephemeral),
			Why:  "an outgoing connection may hold it when its service starts",
			Fix:  reserve(local, w.Pin),
		})
	}
	return findings
}
