package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var portCommand = command{
	name:  "port",
	usage: "print the port of a name, leasing one the first time",
	args:  "NAME…",
	help: `
Prints the port of each NAME on a line of its own. In a project NAME is a
service, or SERVICE:PORT for a named port of a service. Outside of projects, or
with -g, NAME is any name: it gets a port the first time, and keeps it.

Example:
  devports port auth
  devports port auth:metrics
  devports port -g jupyter
  devports port -g --pin 8888 jupyter`,
	flags: []cli.Flag{
		userWideFlag,
		&cli.StringFlag{Name: "pin", Usage: "pin the user-wide NAME to `PORT`"},
		noPinsFlag, jsonFlag, fileFlag, registryFlag,
	},
	completes: portNames,
	run: func(s session, c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("devports port auth", "port requires a name")
		}
		p, err := s.openPlace(c)
		if err != nil {
			return err
		}
		p.project = s.withPins(p.project, c)
		names, err := p.names(c.Args().Slice())
		if err != nil {
			return err
		}
		pin := 0
		if c.IsSet("pin") {
			if pin, err = allocator.ParsePort(c.String("pin")); err != nil {
				return usage("devports port -g --pin 8888 jupyter", "--pin: %v", err)
			}
			switch {
			case !p.userWide:
				return usage("set port = "+fmt.Sprint(pin)+" in the service's table, or use -g for a user-wide name", "--pin is for user-wide names: a project pins its ports in its Portfile")
			case len(names) > 1:
				return usage("devports port -g --pin 8888 jupyter", "--pin takes one name")
			}
		}
		if why := allocator.Discouraged(pin); pin != 0 && why != "" {
			s.note("%s", why)
		}
		ports, err := s.ports(c.Context, p, names, pin)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			byName := map[string]int{}
			for i, n := range names {
				byName[n.String()] = ports[i]
			}
			return s.json(namedPortsOutput{Ports: byName})
		}
		var b strings.Builder
		for _, port := range ports {
			fmt.Fprintln(&b, port)
		}
		_, err = fmt.Fprint(s.stdout, b.String())
		return err
	},
}

// ports leases the ports of names. In a project it leases all ports of the file
// in one update, so that the numbers do not depend on which name comes first. A
// user-wide name gets the port pin; 0 stands for any.
func (s session) ports(ctx context.Context, p place, names []allocator.PortName, pin int) ([]int, error) {
	byName := map[allocator.PortName]int{}
	if p.userWide {
		var before []registry.Lease
		if pin != 0 { // only a pin moves a user-wide name
			var err error
			if before, err = p.project.Registry.Leases(); err != nil {
				return nil, err
			}
		}
		var wants []allocator.WantedPort
		for _, n := range names {
			wants = append(wants, allocator.WantedPort{Name: n, Pin: pin})
		}
		_, leases, err := p.project.Registry.Lease(ctx, checkout.Checkout{}, wants,
			registry.Options{Choose: s.chooser(allocator.Set{})})
		if err != nil {
			return nil, err
		}
		for _, l := range leases {
			byName[l.Name] = l.Port
			s.noteMove(before, l)
		}
	} else {
		if err := p.declared(names); err != nil {
			return nil, err
		}
		scope, kept, err := p.project.Ports(ctx)
		if err != nil {
			return nil, err
		}
		byName = kept
		s.noteUnbound(p.project, scope, names...)
	}
	ports := make([]int, len(names))
	for i, n := range names {
		ports[i] = byName[n]
	}
	return ports, nil
}

// noteMove notes that the port of a user-wide name has changed.
func (s session) noteMove(before []registry.Lease, now registry.Lease) {
	for _, l := range before {
		if l.Scope == now.Scope && l.Name == now.Name && l.Port != now.Port {
			s.note("moved %s from port %d to %d", text.OneLine(now.Name.String()), l.Port, now.Port)
		}
	}
}
