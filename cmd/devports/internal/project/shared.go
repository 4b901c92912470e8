package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// Shared services have one instance for all checkouts of a project. Their home is
// the main checkout: their definition, their directory, their environment and
// their ports are those of the home. Without a main checkout, the home is the
// checkout that was the first to start them.

// findHome finds the home of the shared services, and makes those services that
// are not shared there the checkout's own.
func (p Project) findHome() (Project, error) {
	p.home, p.homePath, p.unshared = nil, "", nil
	if len(p.File.SharedServices()) == 0 || p.isHome || p.Registry.Path() == "" || p.File.Path == "" {
		return p, nil
	}
	dir, err := p.homeDirectory()
	if err != nil || dir == "" {
		return p, err
	}
	path := filepath.Join(dir, filepath.Base(p.File.Path))
	host := p.host
	host.Dir = ""
	host.Getenv = func(name string) string { // the label is that of this checkout only
		if name == envvar.Worktree || name == envvar.Project {
			return ""
		}
		return p.host.Getenv(name)
	}
	home := Project{Registry: p.Registry, host: host, isHome: true}
	home, err = home.load(path, func() (procfile.File, error) { return host.loader().Read(path) })
	p.homePath = path
	switch {
	case errors.As(err, new(*FileError)): // of another branch
		return p.unshare(func(string) bool { return false }), nil
	case err != nil:
		return p, err
	}
	p.home = &home
	return p.unshare(func(name string) bool {
		s, ok := home.File.Service(name)
		return ok && s.Shared
	}), nil
}

// unshare makes the services that keep does not hold for the checkout's own.
func (p Project) unshare(keep func(name string) bool) Project {
	p.unshared = nil
	for _, s := range p.File.Services {
		if s.Shared && !keep(s.Name) {
			p.unshared = append(p.unshared, s)
		}
	}
	p.File = p.File.Unshare(keep)
	return p
}

// homeDirectory returns the directory of the home; "" if that is this project.
func (p Project) homeDirectory() (string, error) {
	scope, err := p.Scope()
	if err != nil || scope.Main() {
		return "", err
	}
	dir := p.Checkout.MainDirectory()
	if dir == p.Checkout.Directory && p.Checkout.Override == "" { // a second clone
		dir = ""
	}
	if dir == "" || !isDirectory(dir) {
		if dir, err = p.Registry.MainDirectory(p.Checkout); err != nil {
			return "", err
		}
	}
	if dir == "" && p.host.SharedHome != nil {
		dir = p.host.SharedHome(p.Checkout.Repository, p.Checkout.Path)
	}
	if dir == p.Checkout.Directory && p.Checkout.Override == "" || !isDirectory(dir) {
		return "", nil
	}
	return dir, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Home returns the project of the checkout where shared services run: p itself,
// unless another checkout is the main one.
func (p Project) Home() Project {
	if p.home != nil {
		return *p.home
	}
	p.isHome = true
	return p
}

// HasShared reports whether a service of the project is shared.
func (p Project) HasShared() bool { return len(p.File.SharedServices()) > 0 }

// AllShared reports whether all the names are those of shared services.
func (p Project) AllShared(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !p.isShared(name) })
}

// isShared reports whether a service is shared.
func (p Project) isShared(name string) bool {
	s, ok := p.File.Service(name)
	return ok && s.Shared
}

// elsewhere reports whether a name is that of a shared service whose ports belong
// to another scope.
func (p Project) elsewhere(w allocator.WantedPort) bool {
	return p.home != nil && p.isShared(w.Name.Service)
}

// own are the ports that the file asks for in the scope of its checkout.
func (p Project) own() []allocator.WantedPort {
	return slices.DeleteFunc(p.File.Ports(), p.elsewhere)
}

// homePorts are the ports of shared services, as the home asks for them.
func (p Project) homePorts() []allocator.WantedPort {
	if p.home == nil {
		return nil
	}
	return slices.DeleteFunc(p.home.File.Ports(), func(w allocator.WantedPort) bool { return !p.elsewhere(w) })
}

// known is [registry.Registry.Known] for all ports that the file asks for.
func (p Project) known() (scope registry.Scope, leases []registry.Lease, ok bool, err error) {
	scope, leases, ok, err = p.Registry.Known(p.Checkout, p.own(), registry.Options{NoPins: p.noPins})
	if p.home == nil || err != nil {
		return scope, leases, ok, err
	}
	_, shared, all, err := p.Registry.Known(p.home.Checkout, p.homePorts(), registry.Options{})
	return scope, append(leases, shared...), ok && all, err
}

// leaseShared leases the ports of shared services in the scope of their home.
func (p Project) leaseShared(ctx context.Context) ([]registry.Lease, error) {
	if p.home == nil {
		return nil, nil
	}
	o := registry.Options{Choose: p.host.Choose(p.home.File.Range), Changed: p.host.Changed}
	_, leases, err := p.Registry.Lease(ctx, p.home.Checkout, p.homePorts(), o)
	return leases, err
}

// shareNotes says which shared services run otherwise than this checkout
// declares them.
func (p Project) shareNotes() (notes procfile.Problems) {
	for _, s := range p.unshared {
		notes = append(notes, procfile.Problem{
			File: p.File.Name, Position: s.SharedPos,
			Text: fmt.Sprintf("%s is not shared, because the main checkout does not declare it as shared in %s; this checkout runs its own instance", s.Name, p.homePath),
		})
	}
	if p.home == nil {
		return notes
	}
	for _, name := range p.File.SharedServices() {
		here, _ := p.File.Service(name)
		there, _ := p.home.File.Service(name)
		for _, d := range here.Differences(there) {
			notes = append(notes, p.File.Problem(here.Pos, "to run an instance of its own here, set shared = false",
				"%s is shared and runs as the main checkout declares it: %s is %s in %s:%d, %s here",
				name, d.Key, shown(d.There), p.home.File.PathOf(there.Pos), there.Pos.Line, shown(d.Here)))
		}
	}
	return notes
}

func shown(value string) string {
	if value == "" {
		return "not set"
	}
	return fmt.Sprintf("%q", value)
}

// SharedLeases returns those of the leases that belong to shared services of the
// project and to another scope.
func (p Project) SharedLeases(all []registry.Lease) ([]registry.Lease, error) {
	if p.home == nil {
		return nil, nil
	}
	scope, err := p.home.Scope()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(l registry.Lease) bool {
		return l.Scope != scope || !p.isShared(l.Name.Service)
	}), nil
}

// mirrored returns the plan of a run that does not start the shared services
// itself.
func (p Project) mirrored(plan procfile.Plan) procfile.Plan {
	mirror := func(all []procfile.Process) []procfile.Process {
		all = slices.Clone(all)
		for i, process := range all {
			if process.Shared {
				all[i] = process.Mirror()
			}
		}
		return all
	}
	plan.Services, plan.Inactive = mirror(plan.Services), mirror(plan.Inactive)
	return plan
}

// onlyShared returns the plan of the run that starts the shared services: none
// until a checkout needs them.
func (p Project) onlyShared(plan procfile.Plan) procfile.Plan {
	var shared []procfile.Process
	for _, process := range slices.Concat(plan.Services, plan.Inactive) {
		if process.Shared {
			process.Shared = false
			shared = append(shared, process)
		}
	}
	plan.Services, plan.Inactive, plan.StopOnExit = nil, shared, false
	return plan
}
