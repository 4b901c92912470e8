package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/registry"
)

var pointCommand = command{
	name:  "point",
	usage: "forward a fixed port to a service of any checkout",
	args:  "[PORT] [SERVICE[:PORTNAME]]",
	help: `
Points PORT to SERVICE of this checkout, or of the one that --dir or --label
names: devports forwards connections to PORT on 127.0.0.1 and ::1 to the port of
the service, as raw TCP. Use it where a port number is fixed elsewhere: in a
registered OAuth callback, for a webhook tunnel, for psql on 5432. For an
additional port of a service, add its name: web:metrics. Without arguments,
point lists the points.

A point lasts until --off, also over a reboot. Pointing PORT to another service
applies to new connections at once; --cut also ends open ones. While the service
is not ready, connections fail. See devports help front.

Example:
  devports point 3000 web
  devports point 3000 web --label fix-auth --cut
  devports point 5432 db --dir ../shop-fix
  devports point 3000 --off
  devports point --json`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "dir", Usage: "point to the checkout in directory `PATH`"},
		&cli.StringFlag{Name: "label", Usage: "point to the checkout of this project with label `LABEL`; main is the main one"},
		&cli.BoolFlag{Name: "cut", Usage: "end open connections, too"},
		&cli.BoolFlag{Name: "off", Usage: "end the point"},
		jsonFlag, fileFlag,
	},
	completes: func(l line) []candidate {
		if len(l.args) == 1 {
			return services(line{session: l.session, context: l.context, word: l.word})
		}
		return nil
	},
	run: func(s session, c *cli.Context) error {
		args := c.Args().Slice()
		if len(args) == 0 {
			if c.Bool("off") || c.Bool("cut") || c.IsSet("dir") || c.IsSet("label") {
				return usage("devports point 3000 web", "point requires a port")
			}
			return s.listPoints(c)
		}
		port, ok, err := portIn("devports point %d web", args[0])
		switch {
		case err != nil:
			return err
		case !ok:
			return usage("devports point 3000 "+text.QuoteArg(args[0]), "%q is not a port", args[0])
		case c.Bool("json"):
			return usage("devports point --json", "--json lists all points")
		case c.Bool("off") && len(args) > 1:
			return usage(fmt.Sprintf("devports point %d --off", port), "--off takes only PORT")
		case c.Bool("off"):
			return s.endPoint(c, port)
		case len(args) == 1:
			return usage(fmt.Sprintf("devports point %d web, or to end it: devports point %[1]d --off", port), "point requires a service")
		}
		return s.setPoint(c, port, args[1])
	},
}

// setPoint points a port to a service.
func (s session) setPoint(c *cli.Context, port int, service string) error {
	p, err := s.pointedProject(c)
	if err != nil {
		return err
	}
	service = p.ResolveNames(service)[0]
	if err := hasPort(p.File, service); err != nil {
		return err
	}
	scope, err := p.Scope()
	if err != nil {
		return err
	}
	state, err := s.addPoint(c.Context, p.Registry, registry.Point{Port: port, Scope: scope, Service: service}, cutPorts(c, port)...)
	if err != nil {
		return err
	}
	if _, off, _ := s.frontSetting(); off && state.State == pointInactive {
		s.note("DEVPORTS_FRONT turns off the front, so nothing forwards the port")
	}
	fmt.Fprintf(s.stdout, "port %d points to %s%s\n", port, scope.Qualify(service), map[string]string{
		pointReady:    "",
		pointWaiting:  ", which is not ready: connections fail until then",
		pointInactive: ", once devports up runs",
	}[state.State])
	return nil
}

// cutPorts are the ports whose open connections end.
func cutPorts(c *cli.Context, port int) []int {
	if c.Bool("cut") {
		return []int{port}
	}
	return nil
}

// addPoint adds or changes a point, and returns its row. The open connections of
// the ports in cut end.
func (s session) addPoint(ctx context.Context, r registry.Registry, to registry.Point, cut ...int) (pointRow, error) {
	before, err := r.Points()
	if err != nil {
		return pointRow{}, err
	}
	if err := s.checkPoint(ctx, r, to, before); err != nil {
		return pointRow{}, err
	}
	err = r.EditPoints(ctx, func(points []registry.Point) ([]registry.Point, error) {
		return append(withoutPoint(points, to.Port), to), nil
	})
	if err != nil {
		return pointRow{}, err
	}
	row, err := s.applyPoints(ctx, r, to.Port, cut...)
	if err != nil {
		return row, err
	}
	if row.State == pointBlocked { // another program has taken the port in the meantime
		_ = r.EditPoints(ctx, func([]registry.Point) ([]registry.Point, error) { return before, nil })
		_, _ = s.applyPoints(ctx, r, 0)
		return row, fail(exitPort, fmt.Sprintf("to see which process: devports who %d", to.Port), "cannot listen on port %d: %s", to.Port, row.Detail)
	}
	return row, nil
}

// checkPoint refuses a port that cannot point to a service.
func (s session) checkPoint(ctx context.Context, r registry.Registry, to registry.Point, points []registry.Point) error {
	if to.Port == s.frontPort() {
		return fail(exitPort, "choose another port", "port %d serves the named addresses", to.Port)
	}
	leases, err := r.Leases()
	if err != nil {
		return err
	}
	for _, l := range leases {
		if l.Port != to.Port {
			continue
		}
		owner := l.Scope.Qualify(l.Name.String())
		switch {
		case l.Scope == to.Scope && l.Name.String() == to.Service:
			return fail(exitPort, "connect to it: localhost:"+fmt.Sprint(to.Port), "port %d is the port of %s itself", to.Port, owner)
		case !l.Pinned:
			return fail(exitPort, "choose a port that devports ls --all does not list", "port %d is leased to %s", to.Port, owner)
		case l.Scope.Project != to.Scope.Project:
			return fail(exitPort, "choose another port, or remove the pin", "port %d is pinned by %s in %s", to.Port, owner, l.Scope.Directory)
		}
	}
	if slices.ContainsFunc(points, func(p registry.Point) bool { return p.Port == to.Port }) && s.frontHolds(ctx, to.Port) {
		return nil
	}
	listeners, err := front.ListenPort(to.Port)
	for _, l := range listeners {
		l.Close()
	}
	switch {
	case errors.Is(err, syscall.EACCES):
		return fail(exitPort, "choose a port from 1024", "port %d is privileged: the front does not run as root", to.Port)
	case errors.Is(err, syscall.EADDRINUSE):
		return s.pointTaken(ctx, r, to)
	case err != nil:
		return fail(exitPort, "", "cannot listen on port %d: %v", to.Port, err)
	}
	return nil
}

// pointTaken describes what has the port of a new point.
func (s session) pointTaken(ctx context.Context, r registry.Registry, to registry.Point) error {
	taken := project.Taken{Lease: registry.Lease{Port: to.Port}}
	if found, err := s.listening(ctx, r, to.Port); err == nil {
		taken.Holders = found[to.Port]
	}
	if len(taken.Holders) == 0 {
		if found, err := holder.Connections(ctx, to.Port); err == nil {
			taken.Connections = found[to.Port]
		}
	}
	who, hint := takenBy(taken, "choose another port", s.containersOf([]project.Taken{taken}))
	return fail(exitPort, hint, "port %d is taken by %s", to.Port, who)
}

// frontHolds reports whether the front has a port for a point.
func (s session) frontHolds(ctx context.Context, port int) bool {
	place, err := s.frontPlace()
	if err != nil {
		return false
	}
	states, _, err := place.ReloadPoints(ctx)
	return err == nil && slices.ContainsFunc(states, func(st front.PointState) bool { return st.Port == port && st.Error == "" })
}

// endPoint ends a point.
func (s session) endPoint(c *cli.Context, port int) error {
	r, err := s.openRegistry(c)
	if err != nil {
		return err
	}
	was, err := s.removePoint(c.Context, r, port, cutPorts(c, port)...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "port %d no longer points to %s\n", port, was.Scope.Qualify(was.Service))
	return nil
}

// removePoint ends a point, and returns it.
func (s session) removePoint(ctx context.Context, r registry.Registry, port int, cut ...int) (was registry.Point, err error) {
	err = r.EditPoints(ctx, func(points []registry.Point) ([]registry.Point, error) {
		i := slices.IndexFunc(points, func(p registry.Point) bool { return p.Port == port })
		if i < 0 {
			return nil, fail(exitFailed, "devports point lists the points", "port %d is not a point", port)
		}
		was = points[i]
		return withoutPoint(points, port), nil
	})
	if err != nil {
		return was, err
	}
	_, err = s.applyPoints(ctx, r, port, cut...)
	return was, err
}

func withoutPoint(points []registry.Point, port int) []registry.Point {
	return slices.DeleteFunc(slices.Clone(points), func(p registry.Point) bool { return p.Port == port })
}
