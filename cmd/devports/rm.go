package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

var rmCommand = command{
	name:  "rm",
	usage: "release the ports of names",
	args:  "NAME…",
	help: `
Releases the ports of a service, or with SERVICE:PORT one of them, or the port
of a user-wide name. Other names may get these ports from now on. Running
services are not stopped. If one of the names has no port, nothing is released
and the exit status is 1.

Example:
  devports rm auth
  devports rm -g jupyter`,
	flags:     []cli.Flag{userWideFlag, jsonFlag, fileFlag, registryFlag},
	completes: leaseNames,
	run: func(s session, c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("devports rm auth", "rm requires a name")
		}
		p, err := s.openPlace(c)
		if err != nil {
			return err
		}
		names, err := p.names(c.Args().Slice())
		if err != nil {
			return err
		}
		// Record the new directory of a project that was moved.
		if _, _, err := p.project.Registry.Lease(c.Context, p.project.Checkout, nil, registry.Options{Changed: s.noteChange}); err != nil {
			return err
		}
		scope, leases, err := p.project.Registry.SeenFrom(p.project.Checkout)
		if err != nil {
			return err
		}
		// Outside of projects, a name stands for a user-wide one, else for a
		// lease of devports run.
		if at := slices.IndexFunc(leases, func(l registry.Lease) bool {
			return p.directory != "" && l.Scope.Directory == p.directory && slices.Contains(names, l.Name)
		}); at >= 0 && !slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Scope == scope && slices.Contains(names, l.Name) }) {
			scope = leases[at].Scope
		}
		names, err = leasedNames(names, scope, leases)
		if err != nil {
			return err
		}
		removed, err := p.project.Registry.Remove(c.Context, scope, names...)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			if err := s.json(leasesOutput{Leases: leaseRows(removed)}); err != nil {
				return err
			}
		}
		for _, l := range removed {
			if !c.Bool("json") {
				fmt.Fprintf(s.stdout, "released %s, port %d\n", l.Name, l.Port)
			}
			if allocator.Busy(l.Port) {
				s.note("something still listens on port %d; until it stops, %s would get another port (to see which process: devports who %[1]d)", l.Port, l.Name)
			}
		}
		return nil
	},
}

// leasedNames returns the names of the leases in scope that names stand for: a
// service's name stands for all its ports. A name without a lease is an error.
func leasedNames(names []allocator.PortName, scope registry.Scope, leases []registry.Lease) ([]allocator.PortName, error) {
	var all []string
	var found []allocator.PortName
	f := failure{status: exitFailed}
	for _, l := range leases {
		if l.Scope == scope {
			all = append(all, l.Name.String())
		}
	}
	for _, n := range names {
		before := len(found)
		for _, l := range leases {
			if l.Scope == scope && (l.Name == n || n.Port == "" && l.Name.Service == n.Service) && !slices.Contains(found, l.Name) {
				found = append(found, l.Name)
			}
		}
		if len(found) == before && !slices.Contains(found, n) {
			hint := "devports ls lists the names"
			if near, ok := text.Nearest(n.String(), all); ok {
				hint = "did you mean " + near + "?"
			}
			f.lines = append(f.lines, errorLine{fmt.Sprintf("no port for %s (%s)", n, scope), hint})
		}
	}
	if len(f.lines) > 0 {
		return nil, f
	}
	return found, nil
}
