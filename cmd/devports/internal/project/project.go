// Package project is a project file with its checkout and the ports that the
// registry keeps for it: loaded once, and again for each edit.
//
//	Portfile ─► procfile.File ─► registry.Lease ─► procfile.Plan
//	                              (Confirm: resolve, and see that ports are free)
//
// The error that names what is wrong comes before anything is written.
package project

import (
	"cmp"
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

// Host is what a project needs of the process and the machine around it.
type Host struct {
	Stdin   io.Reader
	Environ []string
	Getenv  func(string) string
	Choose  func(allow allocator.Set) registry.Chooser // chooses new ports
	Note    func(format string, args ...any)           // something to know that is no error
	Changed func(registry.Change)                      // the project has moved, or got a name

	// Listening returns the processes that listen on each of the ports.
	Listening func(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error)
}

// Project is a project file with the checkout that it lies in and the registry
// that keeps its ports. It is a value.
type Project struct {
	File     procfile.File
	Checkout checkout.Checkout
	Registry registry.Registry

	host   Host
	scale  map[string]int // how many replicas of services, where the file is not to say that
	noPins bool

	prepared *prepared // nil for none
}

// prepared is the plan that a file has with certain ports.
type prepared struct {
	scope registry.Scope
	ports map[allocator.PortName]int
	plan  procfile.Plan
}

// FileError says why the file at Path is no project file.
type FileError struct {
	Path   string
	Folder bool // else it is missing
	err    error
}

func (e *FileError) Error() string {
	if e.Folder {
		return e.Path + " is a directory"
	}
	return "there is no file " + e.Path
}

func (e *FileError) Unwrap() error { return e.err }

// Open reads the project file at path, which is "-" for standard input. scale
// says how many replicas of some services to have. Errors are a *FileError,
// [procfile.Problems], a *[procfile.UndeclaredError], and those of reading the
// file; with Problems, the Project is what could be read.
func Open(host Host, r registry.Registry, path string, scale map[string]int) (Project, error) {
	p := Project{Registry: r, host: host, scale: scale}
	return p.take(path, func() (procfile.File, error) { return procfile.Read(path, host.Stdin) })
}

// None stands for a project where there is none: its names are user-wide, unless
// it is given a checkout.
func None(host Host, r registry.Registry, dir string) Project {
	return Project{File: procfile.Empty(dir), Registry: r, host: host}
}

// WithoutPins returns the project with pins that do not bind: each name gets a port
// of its own, as in a worktree.
func (p Project) WithoutPins() Project {
	p.noPins = true
	return p
}

// Pins reports whether the file pins a port.
func (p Project) Pins() bool {
	return slices.ContainsFunc(p.File.Ports(), func(w allocator.WantedPort) bool { return w.Pin != 0 })
}

// Binds reports whether pins bind in a scope of the project.
func (p Project) Binds(scope registry.Scope) bool { return scope.Main() && !p.noPins }

// take makes the project of the file at path, which read reads.
func (p Project) take(path string, read func() (procfile.File, error)) (Project, error) {
	var err error
	p.prepared = nil
	if p.File, err = read(); err != nil {
		info, missing := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return p, &FileError{path, false, err}
		case missing == nil && info.IsDir():
			return p, &FileError{path, true, err}
		}
		return p, p.File.Problems(p.in(registry.Scope{}, nil), err)
	}
	if p.File, err = p.File.ExpandReplicas(p.scale); err != nil {
		return p, err
	}
	p.Checkout, err = checkout.Find(p.File.Dir, p.File.Project, p.host.Getenv)
	return p, err
}

// Reload returns the project with its file as it is now. What came from
// standard input or a pipe stays as it was.
func (p Project) Reload() (Project, error) {
	if p.File.Path == "" {
		return p, nil
	}
	return p.take(p.File.Path, p.File.Reread)
}

// Scope is the one that the project has, or would get with its first lease.
func (p Project) Scope() (registry.Scope, error) { return p.Registry.Scope(p.Checkout) }

// Check resolves the file without ports: it has the problems and the notes that
// [Project.Resolve] would have, and notes of patterns that match no file.
func (p Project) Check() (procfile.Plan, error) {
	plan, err := p.File.Resolve(p.in(registry.Scope{}, nil))
	if err == nil {
		plan.Notes = append(plan.Notes, p.patternNotes(nil)...)
	}
	return plan, err
}

// Prepare is Check and Scope before a start. If the file has all its ports
// already, the project that it returns has its plan with them, so that it need not
// be made again for [Project.Resolve].
func (p Project) Prepare() (Project, procfile.Plan, registry.Scope, error) {
	scope, leases, known, failed := p.Registry.Known(p.Checkout, p.File.Ports(), registry.Options{NoPins: p.noPins})
	if failed != nil || !known {
		plan, err := p.Check()
		return p, plan, scope, cmp.Or(err, failed)
	}
	ports := byName(leases)
	plan, err := p.File.Resolve(p.in(scope, ports))
	if err != nil {
		return p, plan, scope, err
	}
	p.prepared = &prepared{scope, ports, plan}
	plan.Notes = slices.Concat(plan.Notes, p.patternNotes(nil))
	return p, plan, scope, nil
}

// plan resolves the file with these ports.
func (p Project) plan(scope registry.Scope, ports map[allocator.PortName]int) (procfile.Plan, error) {
	if known := p.prepared; known != nil && known.scope == scope && maps.Equal(known.ports, ports) {
		return known.plan, nil
	}
	return p.File.Resolve(p.in(scope, ports))
}

// Ports leases every port that the file asks for.
func (p Project) Ports(ctx context.Context) (registry.Scope, map[allocator.PortName]int, error) {
	scope, leases, err := p.lease(ctx, registry.Options{})
	return scope, byName(leases), err
}

// Unbound are the ports that the file pins, in a scope where pins do not bind.
func (p Project) Unbound(scope registry.Scope) []allocator.WantedPort {
	if scope.Main() {
		return nil
	}
	return slices.DeleteFunc(p.File.Ports(), func(w allocator.WantedPort) bool { return w.Pin == 0 })
}

// Resolve leases every port that the file asks for and resolves the file with
// them. Nothing is leased for a file that has problems.
func (p Project) Resolve(ctx context.Context) (procfile.Plan, error) {
	return p.resolve(ctx, nil, func(registry.Scope, []registry.Lease) error { return nil })
}

// resolve is Resolve with more to confirm than the file. move says which leases
// are to move to another port; nil moves none. A plan that comes with an error
// says at least what to watch.
func (p Project) resolve(
	ctx context.Context, move func(registry.Lease) bool, confirm func(registry.Scope, []registry.Lease) error,
) (plan procfile.Plan, err error) {
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
		// The user is told of the file's problems before those of the registry.
		if checked, problems := p.Check(); problems != nil {
			return checked, problems
		}
	}
	return plan, err
}

// lease leases every port that the file asks for, in one update of the registry.
func (p Project) lease(ctx context.Context, o registry.Options) (registry.Scope, []registry.Lease, error) {
	o.Choose, o.Changed, o.NoPins = p.host.Choose(p.File.Range), p.host.Changed, p.noPins
	return p.Registry.Lease(ctx, p.Checkout, p.File.Ports(), o)
}

// in is what the file is resolved in.
func (p Project) in(scope registry.Scope, ports map[allocator.PortName]int) procfile.Context {
	return procfile.Context{
		Environ: p.host.Environ, Project: scope.Project, Worktree: scope.Worktree, Ports: ports,
	}
}

func byName(leases []registry.Lease) map[allocator.PortName]int {
	ports := make(map[allocator.PortName]int, len(leases))
	for _, l := range leases {
		ports[l.Name] = l.Port
	}
	return ports
}
