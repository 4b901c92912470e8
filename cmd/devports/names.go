package main

import (
	"errors"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// place is where the names on a command line are looked up: a project, or the
// user-wide scope.
type place struct {
	project  project.Project // without a file where there is none
	userWide bool
	folder   string // where there is no project: the folder, for which run may have kept ports
}

// openPlace is the project here; with --global, or where there is no project,
// the user-wide scope.
func (s session) openPlace(c *cli.Context) (place, error) {
	if c.Bool("global") {
		r, err := s.openRegistry(c)
		return place{project: project.Project{Registry: r}, userWide: true}, err
	}
	p, err := s.openProject(c)
	var missing *procfile.NotFoundError
	if errors.As(err, &missing) {
		s.noteForeign(missing)
		r, err := s.openRegistry(c)
		wd, _ := os.Getwd()
		return place{project.Project{Registry: r}, true, resolved(wd)}, err
	}
	return place{project: p}, err
}

// scope is the one whose leases are meant.
func (p place) scope() (registry.Scope, error) {
	if p.userWide {
		return registry.Scope{}, nil
	}
	return p.project.Scope()
}

// names reads names as they are typed. In a project "auth:metrics" is a port
// of auth; a user-wide name is any string.
func (p place) names(args []string) ([]allocator.PortName, error) {
	names := make([]allocator.PortName, len(args))
	for i, arg := range args {
		n, err := registry.ParseName(arg)
		if err != nil {
			return nil, err
		}
		if p.userWide && n.Port != "" {
			return nil, usage("", "%q cannot be a user-wide name: it has a colon", arg)
		}
		names[i] = n
	}
	return names, nil
}

// declared makes sure that the project declares these ports.
func (p place) declared(names []allocator.PortName) error {
	f := failure{status: exitUsage}
	var known []string
	for _, w := range p.project.File.Ports() {
		known = append(known, w.Name.String())
	}
	for _, n := range names {
		if slices.Contains(known, n.String()) {
			continue
		}
		line := undeclared(p.project.File, n.String(), known)
		if sv, ok := p.project.File.Service(n.Service); ok && n.Port == "" && !sv.HasPort {
			line = errorLine{n.Service + " has no port: it says port = false", ""}
		} else if ok {
			line.text = n.Service + " declares no port " + n.Port
		} else {
			line.hint += "; devports port -g " + n.String() + " keeps a user-wide port"
		}
		f.lines = append(f.lines, line)
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}
