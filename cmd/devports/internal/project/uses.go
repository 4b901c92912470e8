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
		used := procfile.Used{Name: u.Name, Ports: map[allocator.PortName]int{}, URLs: map[string]string{}}
		other, problem := p.usedProject(u)
		if problem == nil {
			problem = p.lookUp(u, other, own, &used)
		}
		if problem != nil {
			used.Problems = procfile.Problems{*problem}
		}
		all = append(all, used)
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
func (p Project) lookUp(u procfile.Use, other Project, own registry.Scope, used *procfile.Used) *procfile.Problem {
	fail := func(hint, format string, args ...any) *procfile.Problem {
		problem := p.File.Problem(u.Path.Pos, hint, format, args...)
		return &problem
	}
	scope, leases, err := p.Registry.SeenFrom(other.Checkout)
	if err != nil {
		return nil // reported by whatever needs the registry
	}
	which := "the main checkout"
	if !scope.Main() {
		which = "the checkout " + scope.Worktree
	}
	if scope.Main() && !own.Main() {
		var with []registry.Scope
		for _, l := range leases {
			if l.Scope.Project == scope.Project && l.Scope.Worktree == own.Worktree && !slices.Contains(with, l.Scope) {
				with = append(with, l.Scope)
			}
		}
		switch {
		case len(with) > 1:
			return fail(fmt.Sprintf("name one of them: %s = %q", u.Name, with[0].Directory),
				"%s has two checkouts with the label %s: %s and %s", scope.Project, own.Worktree, with[0].Directory, with[1].Directory)
		case len(with) == 1:
			scope, which = with[0], "the checkout "+with[0].Worktree
			if path, err := procfile.Find(scope.Directory, p.host.Getenv); err == nil {
				if same, err := p.at(path); err == nil {
					other = same
				}
			}
		default:
			which += fmt.Sprintf(" (there is none called %s)", own.Worktree)
		}
	}
	addresses := map[string]string{}
	if other.File.HasHosts() {
		addresses = other.Addresses(scope)
	}
	for _, l := range leases {
		if l.Scope != scope || l.Undeclared {
			continue
		}
		used.Ports[l.Name] = l.Port
		if other.File.SpeaksHTTP(l.Name.Service) {
			used.URLs[l.Name.Service] = cmp.Or(addresses[l.Name.Service], fmt.Sprintf("http://localhost:%d", l.Port))
		}
	}
	variable := allocator.PortName{Service: u.Name}.Variable()
	if len(used.Ports) == 0 {
		used.Notes = procfile.Problems{p.File.Problem(u.Pos, "to choose them: cd "+text.QuoteSh(scope.Directory)+" && devports env",
			"%s has no ports yet, so %s_* are not set: it has never run", scope, variable)}
		return nil
	}
	used.Notes = procfile.Problems{p.File.Problem(u.Pos, "", "%s_* are the ports of %s, %s in %s", variable, scope.Project, which, scope.Directory)}
	return nil
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
