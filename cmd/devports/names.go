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

// place is where to look up the names of a command line: a project, or the
// user-wide scope.
type place struct {
	project   project.Project // has no file outside of projects
	userWide  bool
	directory string // outside of projects: the working directory, for which run may have leased ports
}

// openPlace returns the project here, or the user-wide scope outside of
// projects and with --global.
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

// scope is the scope of the names.
func (p place) scope() (registry.Scope, error) {
	if p.userWide {
		return registry.Scope{}, nil
	}
	return p.project.Scope()
}

// names parses names. In a project "auth:metrics" is a port of auth; a
// user-wide name is any string.
func (p place) names(args []string) ([]allocator.PortName, error) {
	names := make([]allocator.PortName, len(args))
	for i, arg := range args {
		if !p.userWide {
			arg = p.project.ResolveNames(arg)[0]
		}
		n, err := registry.ParseName(arg)
		if err != nil {
			return nil, err
		}
		if p.userWide && n.Port != "" {
			return nil, usage("", "invalid user-wide name %q: it has a colon", arg)
		}
		names[i] = n
	}
	return names, nil
}

// declared returns an error unless the project declares these ports.
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
			line = errorLine{n.Service + " has no port: it sets port = false", ""}
		} else if ok {
			line.text = n.Service + " has no port " + n.Port
		} else {
			line.hint += "; for a user-wide name: devports port -g " + n.String()
		}
		f.lines = append(f.lines, line)
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}
