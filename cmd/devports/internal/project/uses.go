package project

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// findUses finds the ports of the projects that the file uses, in the registry:
// those of the checkout with the label of this one, else of the main checkout.
// It leases nothing.
func (p Project) findUses() (all []procfile.Used) {
	if len(p.File.Uses) == 0 || p.used || p.Registry.Path() == "" {
		return nil
	}
	own, err := p.Scope()
	if err != nil {
		return nil
	}
	for _, u := range p.File.Uses {
		other, problem := p.usedProject(u)
		if problem != nil {
			all = append(all, procfile.Used{Name: u.Name, Problems: procfile.Problems{*problem}})
			continue
		}
		all = append(all, p.lookUp(u, other, own))
	}
	return all
}

// usedProject opens the project that a use names.
func (p Project) usedProject(u procfile.Use) (Project, *procfile.Problem) {
	fail := func(hint, format string, args ...any) (Project, *procfile.Problem) {
		problem := p.File.Problem(u.Path.Pos, hint, format, args...)
		return Project{}, &problem
	}
	path := p.File.UsePath(u)
	info, err := os.Stat(path)
	if main := p.Checkout.MainDirectory(); err != nil && main != "" && !filepath.IsAbs(u.Path.Value) {
		// Worktrees need not be beside the main checkout.
		if rel, err := filepath.Rel(p.File.Dir, path); err == nil {
			if there, err2 := os.Stat(filepath.Join(main, rel)); err2 == nil {
				path, info = filepath.Join(main, rel), there
			}
		}
	}
	if info == nil {
		return fail(p.whereIs(u), "%s does not exist", path)
	}
	if info.IsDir() {
		found, err := procfile.Find(path, p.host.Getenv)
		if err != nil {
			return fail("devports init writes one", "no Portfile in %s", path)
		}
		path = found
	}
	other, err := p.at(path)
	if err != nil && !errors.As(err, new(procfile.Problems)) {
		return fail("", "cannot read %s: %v", path, err)
	}
	if other.Checkout.Directory == p.Checkout.Directory {
		return fail("use $PORT_NAME", "%s is this project itself", path)
	}
	return other, nil
}

// at opens the project file at path, without the labels of this checkout.
func (p Project) at(path string) (Project, error) {
	host := p.host
	host.Dir = ""
	host.Note = func(string, ...any) {}
	host.Getenv = func(name string) string {
		if name == envvar.Worktree || name == envvar.Project {
			return ""
		}
		return p.host.Getenv(name)
	}
	other := Project{Registry: p.Registry, host: host, isHome: true, used: true, noFront: p.noFront}
	return other.load(path, func() (procfile.File, error) { return host.loader().Read(path) })
}

// lookUp finds the ports of a used project.
func (p Project) lookUp(u procfile.Use, other Project, own registry.Scope) procfile.Used {
	used := procfile.Used{Name: u.Name, Ports: map[allocator.PortName]int{}, URLs: map[string]string{}}
	scope, leases, err := p.Registry.SeenFrom(other.Checkout)
	if err != nil {
		return used // reported by whatever needs the registry
	}
	main := scope
	which := "the main checkout"
	if !scope.Main() {
		which = "the checkout " + scope.Worktree
	}
	if scope.Main() && !own.Main() {
		i := slices.IndexFunc(leases, func(l registry.Lease) bool {
			return l.Scope.Project == scope.Project && l.Scope.Worktree == own.Worktree
		})
		if i < 0 {
			which += fmt.Sprintf(" (there is none called %s)", own.Worktree)
		} else {
			scope, which = leases[i].Scope, "the checkout "+own.Worktree
			if path, err := procfile.Find(scope.Directory, p.host.Getenv); err == nil {
				if same, err := p.at(path); err == nil {
					other = same
				}
			}
		}
	}
	addresses := map[string]string{}
	if other.File.HasHosts() {
		addresses = other.Addresses(scope)
	}
	for _, l := range leases {
		s, _ := other.File.Service(l.Name.Service)
		if l.Undeclared || l.Scope != scope && !(s.Shared && l.Scope == main) {
			continue
		}
		used.Ports[l.Name] = l.Port
		if other.File.SpeaksHTTP(l.Name.Service) {
			used.URLs[l.Name.Service] = cmp.Or(addresses[l.Name.Service], fmt.Sprintf("http://localhost:%d", l.Port))
		}
	}
	variable := allocator.PortName{Service: u.Name}.Variable()
	if len(used.Ports) == 0 {
		used.Notes = procfile.Problems{p.File.Problem(u.Pos, "to choose them: cd "+text.QuoteArg(scope.Directory)+" && devports env",
			"%s has no ports yet, so %s_* are not set: it has never run", scope, variable)}
		return used
	}
	used.Notes = procfile.Problems{p.File.Problem(u.Pos, "", "%s_* are the ports of %s, %s in %s", variable, scope.Project, which, scope.Directory)}
	return used
}

// whereIs is the hint for a use whose directory does not exist: another one that
// the registry knows.
func (p Project) whereIs(u procfile.Use) string {
	leases, err := p.Registry.Leases()
	if err != nil {
		return ""
	}
	for _, l := range leases {
		if l.Scope.UserWide() || !l.Scope.Main() || l.Scope.Project != u.Name && l.Scope.Project != filepath.Base(u.Path.Value) || !isDirectory(l.Scope.Directory) {
			continue
		}
		dir := l.Scope.Directory
		if rel, err := filepath.Rel(p.Checkout.Directory, dir); err == nil {
			dir = filepath.ToSlash(rel)
		}
		return fmt.Sprintf("%s is in another directory: %s = %q", l.Scope.Project, u.Name, dir)
	}
	return "devports ls lists the directories of projects"
}

// UsedPorts returns the port variables of the projects that the file uses.
func (p Project) UsedPorts() map[string]string {
	all := map[string]string{}
	for _, u := range p.uses {
		ports, _ := u.Vars()
		for name, port := range ports {
			all[name] = port
		}
	}
	return all
}
