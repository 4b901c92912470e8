// Package project loads a project file with its checkout and its leased ports,
// once and again for each edit.
//
//	Portfile ─► procfile.File ─► registry.Lease ─► procfile.Plan
//	                              (Confirm: resolve, and check that ports are free)
//
// All errors are reported before anything is written.
package project

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// Host is the process and the machine, as far as a project needs them.
type Host struct {
	Stdin   io.Reader
	Dir     string // where the names on the command line are typed; "": they are those of the project
	Environ []string
	Getenv  func(string) string
	Choose  func(allow allocator.Set) registry.Chooser // chooses new ports
	Note    func(format string, args ...any)           // prints a note
	Front   func() int                                 // the port of named addresses; 0: there are none
	Changed func(registry.Change)                      // called when the project was moved or renamed
	// SharedHome returns the directory that was the first to start shared
	// services in a repository without a main checkout; "" if unknown.
	SharedHome func(repository, path string) string
	Points     func() []registry.Point // the ports that point elsewhere; nil: there are none

	// Containers completes the services in containers, of which needed will
	// start; nil: nothing starts them.
	Containers func(ctx context.Context, plan procfile.Plan, scope registry.Scope, needed []string) (procfile.Plan, error)

	// Listening returns the processes that listen on each of the ports.
	Listening func(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error)
}

// loader reads project files on the host.
func (h Host) loader() procfile.Loader {
	return procfile.Loader{Stdin: h.Stdin, Getenv: h.Getenv, Main: func(dir string) string {
		c, err := checkout.Find(dir, "", h.Getenv)
		if err != nil {
			return ""
		}
		return c.MainDirectory()
	}}
}

// Project is a project file with its checkout and the registry of its ports. It
// is a value.
type Project struct {
	File     procfile.File
	Checkout checkout.Checkout
	Registry registry.Registry

	host    Host
	scale   map[string]int // numbers of replicas that override the file's
	typed   bool           // the names in scale are from the command line
	noPins  bool
	noFront bool
	noSetup bool

	home     *Project           // where shared services run; nil: here, or there are none
	homePath string             // of the home's file, if home is another directory
	isHome   bool               // it is the home
	unshared []procfile.Service // that this checkout, but not the home, declares as shared

	uses []procfile.Used // the projects that the file uses
	used bool            // it was opened as such a project

	prepared *prepared // nil for none
}

// prepared is the plan that a file has with certain ports.
type prepared struct {
	scope registry.Scope
	ports map[allocator.PortName]int
	plan  procfile.Plan
}

// FileError reports that Path is not a file.
type FileError struct {
	Path      string
	Directory bool // it is a directory; else it does not exist
	err       error
}

func (e *FileError) Error() string {
	if e.Directory {
		return e.Path + " is a directory"
	}
	return e.Path + " does not exist"
}

func (e *FileError) Unwrap() error { return e.err }

// Open reads the project file at path; "-" is standard input. scale overrides
// the numbers of replicas of some services. The error is a *FileError,
// [procfile.Problems], a *[procfile.UndeclaredError], or one of reading the
// file. With Problems, the Project has the valid part of the file.
func Open(host Host, r registry.Registry, path string, scale map[string]int) (Project, error) {
	p := Project{Registry: r, host: host, scale: scale, typed: true}
	return p.load(path, func() (procfile.File, error) { return host.loader().Read(path) })
}

// OpenProposed is Open for a Portfile in dir that has not been written yet.
func OpenProposed(host Host, r registry.Registry, dir string, src []byte, scale map[string]int) (Project, error) {
	p := Project{Registry: r, host: host, scale: scale}
	return p.load("", func() (procfile.File, error) {
		f, err := procfile.Parse("Portfile", src)
		f.Dir = dir
		return f, err
	})
}

// None returns a project without a file. Its names are user-wide, unless it is
// given a checkout.
func None(host Host, r registry.Registry, dir string) Project {
	return Project{File: procfile.Empty(dir), Registry: r, host: host}
}

// WithoutPins returns the project with pins that do not apply: each name gets a
// port of its own, as in a worktree.
func (p Project) WithoutPins() Project {
	p.noPins = true
	return p
}

// WithoutFront returns the project without named addresses.
func (p Project) WithoutFront() Project {
	p.noFront = true
	return p
}

// WithoutSetup returns the project without the steps of its setup.
func (p Project) WithoutSetup() Project {
	p.noSetup, p.prepared = true, nil
	p.File = p.File.WithoutSteps()
	return p
}

// Pins reports whether the file pins a port.
func (p Project) Pins() bool {
	return slices.ContainsFunc(p.File.Ports(), func(w allocator.WantedPort) bool { return w.Pin != 0 })
}

// Binds reports whether pins apply in a scope of the project.
func (p Project) Binds(scope registry.Scope) bool { return scope.Main() && !p.noPins }

// load loads the project from the file at path, with read.
func (p Project) load(path string, read func() (procfile.File, error)) (Project, error) {
	var err error
	p.prepared, p.uses = nil, nil
	if p.File, err = read(); err != nil {
		info, missing := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return p, &FileError{path, false, err}
		case missing == nil && info.IsDir():
			return p, &FileError{path, true, err}
		}
		if c, unknown := checkout.Find(p.File.Dir, p.File.Project, p.host.Getenv); unknown == nil {
			p.Checkout = c
			p.uses = p.findUses()
		}
		return p, p.File.Problems(p.context(registry.Scope{}, nil), err)
	}
	if p.typed {
		p.scale, p.typed = p.resolveScale(p.scale), false
	}
	if p.File, err = p.File.ExpandReplicas(p.scale); err != nil {
		return p, err
	}
	if p.noSetup {
		p.File = p.File.WithoutSteps()
	}
	if p.Checkout, err = checkout.Find(p.File.Dir, p.File.Project, p.host.Getenv); err != nil {
		return p, err
	}
	p.uses = p.findUses()
	return p.findHome()
}

// Reload returns the project with its file as it is now. A project from
// standard input or a pipe does not change.
func (p Project) Reload() (Project, error) {
	if p.File.Path == "" {
		return p, nil
	}
	return p.load(p.File.Path, p.File.Reread)
}

// Scope is the scope that the project has, or would get with its first lease.
func (p Project) Scope() (registry.Scope, error) { return p.Registry.Scope(p.Checkout) }

// Check resolves the file without ports. It returns the problems and notes that
// [Project.Resolve] would return, and notes about patterns that match no file.
func (p Project) Check() (procfile.Plan, error) {
	plan, err := p.File.Resolve(p.context(registry.Scope{}, nil))
	if err == nil {
		plan.Notes = slices.Concat(plan.Notes, p.patternNotes(nil), p.shareNotes())
	}
	return plan, err
}

// plan resolves the file with these ports.
func (p Project) plan(scope registry.Scope, ports map[allocator.PortName]int) (procfile.Plan, error) {
	if known := p.prepared; known != nil && known.scope == scope && maps.Equal(known.ports, ports) {
		return known.plan, nil
	}
	plan, err := p.File.Resolve(p.context(scope, ports))
	if p.homePath != "" {
		plan.Watched = append(plan.Watched, p.homePath)
	}
	return plan, err
}

// Ports leases every port that the file declares.
func (p Project) Ports(ctx context.Context) (registry.Scope, map[allocator.PortName]int, error) {
	scope, leases, err := p.lease(ctx, registry.Options{})
	return scope, byName(leases), err
}

// Unbound are the pins of the file that do not apply in a scope.
func (p Project) Unbound(scope registry.Scope) []allocator.WantedPort {
	if scope.Main() {
		return nil
	}
	return slices.DeleteFunc(p.own(), func(w allocator.WantedPort) bool { return w.Pin == 0 })
}

// Resolve leases every port that the file declares, and resolves the file with
// them. It leases nothing for a file that has problems.
func (p Project) Resolve(ctx context.Context) (procfile.Plan, error) {
	return p.resolve(ctx, nil, func(registry.Scope, []registry.Lease) error { return nil })
}

// resolve is Resolve with an additional check, confirm. move selects the leases
// that move to another port; nil moves none. A plan that comes with an error
// still has the files to watch.
func (p Project) resolve(
	ctx context.Context, move func(registry.Lease) bool, confirm func(registry.Scope, []registry.Lease) error,
) (plan procfile.Plan, err error) {
	p.FrontPort() // may lease a port, which the lock of the registry would block
	resolved := false
	_, _, err = p.lease(ctx, registry.Options{Move: move, Confirm: func(scope registry.Scope, leases []registry.Lease) error {
		resolved = true
		var err error
		if plan, err = p.plan(scope, byName(leases)); err != nil {
			return err
		}
		return confirm(scope, leases)
	}})
	if err != nil && !resolved {
		// Problems of the file count more than those of the registry.
		if checked, problems := p.Check(); problems != nil {
			return checked, problems
		}
	}
	return plan, err
}

// lease leases every port that the file declares, in one update of the
// registry.
func (p Project) lease(ctx context.Context, o registry.Options) (registry.Scope, []registry.Lease, error) {
	o.Choose, o.Changed, o.NoPins = p.host.Choose(p.File.Range), p.host.Changed, p.noPins
	shared, err := p.leaseShared(ctx)
	if err != nil {
		return registry.Scope{}, nil, err
	}
	if confirm := o.Confirm; confirm != nil {
		o.Confirm = func(scope registry.Scope, leases []registry.Lease) error {
			return confirm(scope, slices.Concat(leases, shared))
		}
	}
	scope, leases, err := p.Registry.Lease(ctx, p.Checkout, p.own(), o)
	return scope, append(leases, shared...), err
}

// context is the context in which the file is resolved.
func (p Project) context(scope registry.Scope, ports map[allocator.PortName]int) procfile.Context {
	return procfile.Context{
		Environ: p.host.Environ, Project: scope.Project, Worktree: scope.Worktree, Slug: scope.Slug(), Name: scope.Name(), Main: p.CopiesFrom(), Ports: ports,
		Site: p.site(scope), SharedElsewhere: p.home != nil, Uses: p.uses,
	}
}

// Addresses returns the named addresses of the services in a scope, by name.
func (p Project) Addresses(scope registry.Scope) map[string]string {
	return p.File.Addresses(p.site(scope))
}

// site is where the services of a scope have their names.
func (p Project) site(scope registry.Scope) procfile.Site {
	port := p.FrontPort()
	if port == 0 || scope.UserWide() {
		return procfile.Site{}
	}
	return procfile.Site{Name: scope.Name(), Port: port, Project: scope.Project, Worktree: scope.Worktree}
}

// FrontPort is the port of named addresses; 0: the project has none.
func (p Project) FrontPort() int {
	if p.noFront || p.host.Front == nil || !p.File.HasHosts() {
		return 0
	}
	return p.host.Front()
}

func byName(leases []registry.Lease) map[allocator.PortName]int {
	ports := make(map[allocator.PortName]int, len(leases))
	for _, l := range leases {
		ports[l.Name] = l.Port
	}
	return ports
}
