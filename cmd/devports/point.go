package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var pointCommand = command{
	name:  "point",
	usage: "forward a fixed port to a service of any checkout",
	args:  "[PORT] [SERVICE[:PORTNAME]]",
	help: `
Points PORT to SERVICE of the checkout here, or of the one that --dir or --label
names: connections to PORT on 127.0.0.1 and ::1 are forwarded to the port of the
service, whatever they contain. That is for programs that insist on a number,
such as a registered OAuth callback, a webhook tunnel, or psql on 5432. An
additional port of a service has a name: web:metrics. Without arguments, it
lists the points.

A point lasts until --off, also over a reboot. Pointing PORT to another service
applies to new connections at once; --cut also ends open ones. While the service
is not ready, connections are refused. See devports help front.

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
	service = p.Named(service)[0]
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
		s.note("DEVPORTS_FRONT turns the front off, which forwards the port")
	}
	fmt.Fprintf(s.stdout, "port %d leads to %s%s\n", port, scope.Qualify(service), map[string]string{
		pointReady:    "",
		pointWaiting:  ", which is not ready: connections are refused until then",
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

// hasPort is the error if a file does not declare a port: "web", or "web:metrics".
func hasPort(file procfile.File, name string) error {
	n, err := registry.ParseName(name)
	if err != nil {
		return usage("", "%v", err)
	}
	if err := declares(file, []string{n.Service}); err != nil {
		return err
	}
	var names []string
	for _, w := range file.Ports() {
		switch {
		case w.Name == n:
			return nil
		case w.Name.Service == n.Service:
			names = append(names, w.Name.String())
		}
	}
	if n.Port == "" {
		return fail(exitFailed, "", "%s has no port: it sets port = false", n)
	}
	return fail(exitFailed, "", "%s has no port %s: its ports are %s", n.Service, n.Port, cmp.Or(wording.List(names), "none"))
}

// pointedProject is the project in the checkout that the command line names.
func (s session) pointedProject(c *cli.Context) (project.Project, error) {
	dir := c.String("dir")
	switch {
	case c.IsSet("dir") && c.IsSet("label"), c.IsSet("dir") && c.IsSet("file"), c.IsSet("label") && c.IsSet("file"):
		return project.Project{}, usage("", "only one of --dir, --label and --file can be used")
	case c.IsSet("label"):
		here, err := s.openProject(c)
		if err != nil {
			return project.Project{}, err
		}
		if dir, err = s.checkoutLabelled(here, c.String("label")); err != nil {
			return project.Project{}, err
		}
	case !c.IsSet("dir"):
		return s.openProject(c)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return project.Project{}, err
	}
	path, err := procfile.Find(dir, s.getenv)
	if err != nil {
		return project.Project{}, err
	}
	return s.projectAt(path, c.String("registry"), nil)
}

// mainLabel stands for the main checkout, which has no label.
const mainLabel = "main"

// checkouts returns the scope of a project, and the directories of all its
// checkouts that have leases, by label.
func (s session) checkouts(here project.Project) (scope registry.Scope, directories map[string]string, err error) {
	scope, leases, err := here.Registry.SeenFrom(here.Checkout)
	if err != nil {
		return scope, nil, err
	}
	directories = map[string]string{scope.Worktree: scope.Directory}
	for _, l := range leases {
		if l.Scope.Project == scope.Project && !l.Scope.UserWide() && !checkout.IsGone(l.Scope.Directory) {
			directories[l.Scope.Worktree] = l.Scope.Directory
		}
	}
	return scope, directories, nil
}

// checkoutLabelled returns the directory of the checkout of a project that has
// a label.
func (s session) checkoutLabelled(here project.Project, label string) (string, error) {
	scope, directories, err := s.checkouts(here)
	if err != nil {
		return "", err
	}
	if dir, ok := directories[label]; ok {
		return dir, nil
	}
	if dir, ok := directories[""]; ok && label == mainLabel {
		return dir, nil
	}
	var labels []string
	for _, l := range slices.Sorted(maps.Keys(directories)) {
		labels = append(labels, cmp.Or(l, mainLabel))
	}
	hint := "its labels are " + wording.List(labels) + "; a checkout that has not run yet: --dir PATH"
	if near, ok := text.Nearest(label, labels); ok {
		hint = "did you mean " + near + "?"
	}
	return "", usage(hint, "%s has no checkout with label %q", text.OneLine(scope.Project), label)
}

// labels completes the labels of the checkouts of the project.
func labels(l line) (candidates []candidate) {
	here, err := l.session.openProject(l.context)
	if err != nil {
		return nil
	}
	_, directories, err := l.session.checkouts(here)
	if err != nil {
		return nil
	}
	for _, label := range slices.Sorted(maps.Keys(directories)) {
		candidates = append(candidates, candidate{Word: cmp.Or(label, mainLabel), About: directories[label]})
	}
	return candidates
}

// checkPoint refuses a port that cannot lead to a service.
func (s session) checkPoint(ctx context.Context, r registry.Registry, to registry.Point, points []registry.Point) error {
	if to.Port == s.frontPort() {
		return fail(exitPort, "choose another port", "port %d is that of named addresses", to.Port)
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
	taken := project.Taken{Lease: registry.Lease{Port: to.Port, Name: allocator.PortName{Service: to.Service}}}
	if found, err := s.listening(ctx, r, to.Port); err == nil {
		taken.Holders = found[to.Port]
	}
	if len(taken.Holders) == 0 {
		if found, err := holder.Connections(ctx, to.Port); err == nil {
			taken.Connections = found[to.Port]
		}
	}
	line := takenLine(taken, false, s.containersOf([]project.Taken{taken}))
	_, who, _ := strings.Cut(line.text, " is taken by ")
	first, _, _ := strings.Cut(line.hint, ", or ")
	return fail(exitPort, first+", or choose another port", "port %d is taken by %s", to.Port, who)
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
	fmt.Fprintf(s.stdout, "port %d no longer leads to %s\n", port, was.Scope.Qualify(was.Service))
	return nil
}

// removePoint ends a point, and returns it.
func (s session) removePoint(ctx context.Context, r registry.Registry, port int, cut ...int) (was registry.Point, err error) {
	err = r.EditPoints(ctx, func(points []registry.Point) ([]registry.Point, error) {
		i := slices.IndexFunc(points, func(p registry.Point) bool { return p.Port == port })
		if i < 0 {
			return nil, fail(exitFailed, "devports point lists the points", "port %d does not lead anywhere", port)
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

// The states of a point.
const (
	pointReady    = "ready"    // connections are forwarded
	pointWaiting  = "waiting"  // for its service; connections are refused
	pointBlocked  = "blocked"  // another program has the port: Detail
	pointInactive = "inactive" // there is no front, as nothing runs
)

// pointRow is a point in JSON.
type pointRow struct {
	Port        int    `json:"port"`
	State       string `json:"state"`
	Detail      string `json:"detail,omitempty"`
	Service     string `json:"service"`
	Project     string `json:"project"`
	Worktree    string `json:"worktree,omitempty"`
	Directory   string `json:"directory"`
	Connections int    `json:"connections"`
}

func (p pointRow) scope() registry.Scope {
	return registry.Scope{Directory: p.Directory, Project: p.Project, Worktree: p.Worktree}
}

// applyPoints makes the front read the points, and returns the row of a port. The
// open connections of the ports in cut end.
func (s session) applyPoints(ctx context.Context, r registry.Registry, port int, cut ...int) (pointRow, error) {
	rows, err := s.pointRows(ctx, r, cut...)
	if err != nil {
		return pointRow{}, err
	}
	for _, row := range rows {
		if row.Port == port {
			return row, nil
		}
	}
	return pointRow{}, nil
}

// pointRows are all points, as they are once the front has read them.
func (s session) pointRows(ctx context.Context, r registry.Registry, cut ...int) ([]pointRow, error) {
	points, err := r.Points()
	if err != nil {
		return nil, err
	}
	place, err := s.frontPlace()
	if err != nil {
		return nil, err
	}
	states, _, err := place.ReloadPoints(ctx, cut...)
	if errors.Is(err, front.ErrNoPoints) {
		s.note("points start with the next front: the one that is running is of an earlier version (to replace it: devports down --all)")
	} else if err != nil {
		return nil, err
	}
	rows := make([]pointRow, len(points))
	for i, p := range points {
		row := pointRow{
			Port: p.Port, State: pointInactive, Service: p.Service,
			Project: p.Scope.Project, Worktree: p.Scope.Worktree, Directory: p.Scope.Directory,
		}
		for _, st := range states {
			if st.Port != p.Port {
				continue
			}
			row.Connections, row.State = st.Open, pointWaiting
			if st.Running {
				row.State = pointReady
			}
			if st.Error != "" {
				row.State, row.Detail = pointBlocked, st.Error
			}
		}
		rows[i] = row
	}
	return rows, nil
}

func (s session) listPoints(c *cli.Context) error {
	r, err := s.openRegistry(c)
	if err != nil {
		return err
	}
	rows, err := s.pointRows(c.Context, r)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return s.json(pointsOutput{Points: rows})
	}
	if len(rows) == 0 {
		s.note("no points")
		return nil
	}
	var t table
	t.add("PORT", "STATE", "SERVICE", "CHECKOUT", "DIRECTORY")
	for _, row := range rows {
		t.add(fmt.Sprint(row.Port), row.State, row.Service, row.scope().String(), row.Directory)
	}
	return t.write(s.stdout)
}

// points are the user's points, none if they cannot be read.
func (s session) points() []registry.Point {
	r, err := s.registryAt("")
	if err != nil {
		return nil
	}
	points, _ := r.Points()
	return points
}

// pointsAt are the points among ports, by port.
func (s session) pointsAt(ctx context.Context, ports []int) map[int]pointRow {
	rows := map[int]pointRow{}
	if !slices.ContainsFunc(s.points(), func(p registry.Point) bool { return slices.Contains(ports, p.Port) }) {
		return rows
	}
	r, err := s.registryAt("")
	if err != nil {
		return rows
	}
	all, err := s.pointRows(ctx, r)
	if err != nil {
		s.note("%v", err)
	}
	for _, row := range all {
		rows[row.Port] = row
	}
	return rows
}

// pointSource is the source of points for the front.
func pointSource(r registry.Registry) front.PointSource {
	return front.PointSource{
		Load: func() ([]front.Point, error) {
			points, err := r.Points()
			list := make([]front.Point, len(points))
			for i, p := range points {
				list[i] = front.Point{
					Port: p.Port, Service: p.Service,
					Project: p.Scope.Project, Worktree: p.Scope.Worktree, Directory: p.Scope.Directory,
				}
			}
			return list, err
		},
		Gone: checkout.IsGone,
	}
}
