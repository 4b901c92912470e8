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
	usage: "print the port of a name, keeping one for it from the first time on",
	args:  "NAME…",
	help: `
Prints each port alone on a line. In a project NAME is one of its services, or
SERVICE:PORT for another of a service's ports. Outside, or with -g, NAME is any
name of yours: it gets a port when it is first asked for, and keeps it.

Example:
  devports port auth
  devports port auth:metrics
  devports port -g jupyter
  devports port -g --pin 8888 jupyter`,
	flags: []cli.Flag{
		userWideFlag,
		&cli.StringFlag{Name: "pin", Usage: "give the user-wide NAME this `PORT`, and no other"},
		noPinsFlag, jsonFlag, fileFlag, registryFlag,
	},
	completes: portNames,
	run: func(s session, c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("devports port auth", "port needs a name")
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
				return usage("write port = "+fmt.Sprint(pin)+" in the service's table, or -g for a user-wide name", "the ports of a project are pinned in its Portfile")
			case len(names) > 1:
				return usage("", "--pin takes one name")
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
			return s.json(byName)
		}
		var b strings.Builder
		for _, port := range ports {
			fmt.Fprintln(&b, port)
		}
		_, err = fmt.Fprint(s.stdout, b.String())
		return err
	},
}

// ports leases the ports of names. In a project all ports of the file are
// leased along, in one update, so that which numbers they get does not depend
// on which is asked for first. A user-wide name gets the port pin; 0 is for any.
func (s session) ports(ctx context.Context, p place, names []allocator.PortName, pin int) ([]int, error) {
	byName := map[allocator.PortName]int{}
	if p.userWide {
		var before []registry.Lease
		if pin != 0 { // nothing else moves a user-wide name
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

// noteMove notes that a user-wide name had another port before.
func (s session) noteMove(before []registry.Lease, now registry.Lease) {
	for _, l := range before {
		if l.Scope == now.Scope && l.Name == now.Name && l.Port != now.Port {
			s.note("%s moves from port %d to %d", text.OneLine(now.Name.String()), l.Port, now.Port)
		}
	}
}
