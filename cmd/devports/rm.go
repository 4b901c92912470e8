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
	usage: "give up the ports of names",
	args:  "NAME…",
	help: `
Gives up the ports of a service, or with SERVICE:PORT just that one, or of a
user-wide name. Another name may get the number from now on. Nothing that runs
is stopped. If no port is kept for one of the names, nothing is given up, and
the exit status is 1.

Example:
  devports rm auth
  devports rm -g jupyter`,
	flags:     []cli.Flag{userWideFlag, jsonFlag, fileFlag, registryFlag},
	completes: leaseNames,
	run: func(s session, c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("devports rm auth", "rm needs a name")
		}
		p, err := s.openPlace(c)
		if err != nil {
			return err
		}
		names, err := p.names(c.Args().Slice())
		if err != nil {
			return err
		}
		// A project that has moved is recorded in its new place first.
		if _, _, err := p.project.Registry.Lease(c.Context, p.project.Checkout, nil, registry.Options{Changed: s.noteChange}); err != nil {
			return err
		}
		scope, leases, err := p.project.Registry.SeenFrom(p.project.Checkout)
		if err != nil {
			return err
		}
		// Outside a project, what run has kept for the folder is meant where no user-wide name is.
		if at := slices.IndexFunc(leases, func(l registry.Lease) bool {
			return p.folder != "" && l.Scope.Directory == p.folder && slices.Contains(names, l.Name)
		}); at >= 0 && !slices.ContainsFunc(leases, func(l registry.Lease) bool { return l.Scope == scope && slices.Contains(names, l.Name) }) {
			scope = leases[at].Scope
		}
		names, err = kept(names, scope, leases)
		if err != nil {
			return err
		}
		removed, err := p.project.Registry.Remove(c.Context, scope, names...)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			if err := s.json(leaseRows(removed)); err != nil {
				return err
			}
		}
		for _, l := range removed {
			if !c.Bool("json") {
				fmt.Fprintf(s.stdout, "%s %d given up\n", l.Name, l.Port)
			}
			if allocator.Busy(l.Port) {
				s.note("something still listens on %d (devports who %d): as long as it does, %s would get another port", l.Port, l.Port, l.Name)
			}
		}
		return nil
	},
}

// kept gives the names in scope that are meant: a service's name stands for
// all of its ports. A name that has no lease is an error.
func kept(names []allocator.PortName, scope registry.Scope, leases []registry.Lease) ([]allocator.PortName, error) {
	var all []string
	var meant []allocator.PortName
	f := failure{status: exitFailed}
	for _, l := range leases {
		if l.Scope == scope {
			all = append(all, l.Name.String())
		}
	}
	for _, n := range names {
		before := len(meant)
		for _, l := range leases {
			if l.Scope == scope && (l.Name == n || n.Port == "" && l.Name.Service == n.Service) && !slices.Contains(meant, l.Name) {
				meant = append(meant, l.Name)
			}
		}
		if len(meant) == before && !slices.Contains(meant, n) {
			hint := "devports ls lists the names"
			if near, ok := text.Nearest(n.String(), all); ok {
				hint = "did you mean " + near + "?"
			}
			f.lines = append(f.lines, errorLine{fmt.Sprintf("no port is kept for %s (%s)", n, scope), hint})
		}
	}
	if len(f.lines) > 0 {
		return nil, f
	}
	return meant, nil
}
