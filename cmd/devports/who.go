package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var whoCommand = command{
	name:  "who",
	usage: "show which process holds a port",
	args:  "PORT|NAME…",
	help: `
Shows which process listens on a port, or on the port of a name, and if devports
started it, for which project, worktree and service. The service is marked
unverified if only the user of the process is visible, and a process of the
service has that user. If a container publishes the port, who shows its name if
you can access the container engine. If nothing listens, an outgoing connection
may hold the port; else it is free, or free and leased to a name. Addresses of
this machine and URLs, such as :8080 or http://localhost:8080/, stand for their
port. For a port of devports point, who shows the service to which it points.

With --expect here, the exit status is 0 only if every listener belongs to the
run of this checkout, or the port points to a ready service of it; 1 if another
process listens, or the port points elsewhere; and 2 if that is unknown: nothing
listens, a listener is not visible, or the service to which the port points is
not ready. Wrong usage also exits with 2.

Example:
  devports who 8080
  devports who auth --json
  devports who 3000 --expect here && npm test`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "expect", Usage: "fail unless the run of this checkout listens; `WHERE` must be here"},
		userWideFlag, jsonFlag, fileFlag, registryFlag,
	},
	completes: leaseNames,
	run: func(s session, c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("devports who 8080", "who requires a port or a name")
		}
		if c.IsSet("expect") && c.String("expect") != expectHere {
			return usage("devports who 8080 --expect here", "--expect must be here, not %q", c.String("expect"))
		}
		registry, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		leases, err := registry.Leases()
		if err != nil {
			return err
		}
		ports, err := s.portsOf(c, leases)
		if err != nil {
			return err
		}
		answers, err := s.answers(c.Context, registry, ports, leases)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			if err := s.json(portsOutput{Ports: answers}); err != nil {
				return err
			}
		} else {
			for _, a := range answers {
				fmt.Fprint(s.stdout, a)
			}
		}
		if c.IsSet("expect") {
			return s.expectHere(c, answers)
		}
		return nil
	},
}

// portsOf returns the ports for the arguments: ports, and names with a lease.
func (s session) portsOf(c *cli.Context, leases []registry.Lease) ([]int, error) {
	var ports []int
	for _, arg := range c.Args().Slice() {
		port, ok, err := portIn("devports who %d", arg)
		if err != nil {
			return nil, err
		}
		if ok {
			ports = append(ports, port)
			continue
		}
		p, err := s.openPlace(c)
		if err != nil {
			return nil, err
		}
		names, err := p.names([]string{arg})
		if err != nil {
			return nil, err
		}
		if !p.userWide && p.project.AllShared([]string{names[0].Service}) {
			p.project = p.project.Home() // which has the lease
		}
		scope, err := p.scope()
		if err != nil {
			return nil, err
		}
		leases := movedTo(scope, leases)
		shared, err := p.project.SharedLeases(leases)
		if err != nil {
			return nil, err
		}
		for _, l := range shared {
			l.Scope = scope
			leases = append(leases, l)
		}
		if names, err = leasedNames(names, scope, leases); err != nil {
			return nil, err
		}
		for _, l := range leases {
			if l.Scope == scope && slices.Contains(names, l.Name) {
				ports = append(ports, l.Port)
			}
		}
	}
	return ports, nil
}

// movedTo returns the leases, with those that the scope's checkout had before
// it was moved as leases of the scope.
func movedTo(scope registry.Scope, leases []registry.Lease) []registry.Lease {
	leases = slices.Clone(leases)
	for i, l := range leases {
		alike := l.Scope.Project == scope.Project && l.Scope.Worktree == scope.Worktree
		if alike && l.Scope != scope && !scope.UserWide() && checkout.IsGone(l.Scope.Directory) {
			leases[i].Scope = scope
		}
	}
	return leases
}

// whoRow is the information about a port.
type whoRow struct {
	Port        int                 `json:"port"`
	Free        bool                `json:"free"`
	Address     string              `json:"address,omitempty"` // of the service that listens, for its user
	Leases      []owner             `json:"leases,omitempty"`  // several if it is pinned
	Listeners   []holder.Process    `json:"listeners,omitempty"`
	Connections []holder.Connection `json:"connections,omitempty"` // if nothing listens
	Container   *engine.Container   `json:"container,omitempty"`   // that publishes the port
	Point       *pointRow           `json:"point,omitempty"`       // of the port

	// SharedBy are the checkouts that use the service that listens, if it is
	// shared; StartedBy started it.
	SharedBy  []string `json:"shared_by,omitempty"`
	StartedBy string   `json:"started_by,omitempty"`
}

// owner is a lease with the branch and commit of its checkout.
type owner struct {
	leaseRow
	Branch string `json:"branch,omitempty"`
	Commit string `json:"commit,omitempty"`
}

func (s session) answers(ctx context.Context, r registry.Registry, ports []int, leases []registry.Lease) ([]whoRow, error) {
	listeners, err := s.listening(ctx, r, ports...)
	if err != nil {
		return nil, err
	}
	silent := slices.DeleteFunc(slices.Clone(ports), func(port int) bool { return len(listeners[port]) > 0 })
	busy := allocator.BusyAmong(silent)
	connections, err := holder.Connections(ctx, busy...)
	if err != nil {
		return nil, err
	}
	containers := sync.OnceValue(func() map[int]engine.Container { return engine.Published(ctx, s.getenv) })
	points := s.pointsAt(ctx, ports)
	rows := make([]whoRow, len(ports))
	for i, port := range ports {
		row := whoRow{
			Port: port, Listeners: listeners[port], Connections: connections[port],
			Free: len(listeners[port]) == 0 && !slices.Contains(busy, port),
		}
		for _, l := range leases {
			if l.Port == port {
				head := checkout.HeadOf(l.Scope.Directory, s.getenv)
				row.Leases = append(row.Leases, owner{newLeaseRow(l), head.Branch, head.Commit})
			}
		}
		if p, ok := points[port]; ok {
			row.Point = &p
		}
		if !row.Free && len(row.Connections) == 0 && row.Point == nil && mayBeContainer(row.Listeners) {
			if c, ok := containers()[port]; ok {
				row.Container = &c
			}
		}
		rows[i] = row
	}
	s.addUnverified(ctx, rows)
	s.addAddresses(ctx, rows)
	return rows, nil
}

// addUnverified names the services of invisible processes: a run has a service
// with that port, and one of its processes has that user. The front forwards to
// it on this evidence.
func (s session) addUnverified(ctx context.Context, rows []whoRow) {
	hidden := func(p holder.Process) bool { return p.PID == 0 && p.User != "" && !p.Managed }
	directory, err := s.runs()
	if err != nil || !slices.ContainsFunc(rows, func(a whoRow) bool { return slices.ContainsFunc(a.Listeners, hidden) }) {
		return
	}
	live := slices.DeleteFunc(directory.Instances(), func(i control.Instance) bool { return !i.Runs() })
	for _, a := range control.QueryAll(ctx, live) {
		if !a.Responded() {
			continue
		}
		processes, err := a.Client().Processes(ctx)
		if err != nil {
			continue
		}
		for _, st := range a.Info.Services {
			for _, row := range rows {
				for n, p := range row.Listeners {
					if st.Port == row.Port && hidden(p) && runsAs(ctx, processes[st.Service], p.User) {
						p = owned(p, control.Owner{Instance: a.Instance, Service: st.Service})
						p.Unverified = true
						row.Listeners[n] = p
					}
				}
			}
		}
	}
}

// runsAs reports whether one of the processes has a user.
func runsAs(ctx context.Context, pids []int, user string) bool {
	return slices.ContainsFunc(pids, func(pid int) bool { return holder.Inspect(ctx, pid).User == user })
}

// addAddresses asks the runs that have started the listeners for the addresses
// of their services.
func (s session) addAddresses(ctx context.Context, rows []whoRow) {
	directory, err := s.runs()
	if err != nil {
		return
	}
	infos := map[int]control.Info{}
	for i := range rows {
		for _, p := range rows[i].Listeners {
			info, asked := infos[p.Run]
			if p.Run == 0 {
				continue
			}
			if !asked {
				for _, instance := range directory.Instances() {
					if instance.Runs() && instance.Note.PID == p.Run {
						info = instance.Query(ctx).Info
					}
				}
				infos[p.Run] = info
			}
			for _, st := range info.Services {
				if st.Service == p.Service && st.Port == rows[i].Port {
					rows[i].Address = st.Address
					if info.Shared {
						rows[i].StartedBy, rows[i].SharedBy = info.StartedBy, info.NeededBy(st.Service, "")
					}
				}
			}
		}
	}
}

// String formats the row, with a line for each process, connection and lease.
func (a whoRow) String() string {
	text := ""
	for _, p := range a.Listeners {
		text += fmt.Sprintf("%d: %s%s\n", a.Port, describeProcess(p), a.details(p))
	}
	for _, c := range a.Connections {
		if a.Point != nil && c.State == "bound" {
			continue // it is the front's, which refuses connections: see below
		}
		text += fmt.Sprintf("%d: taken by %s\n", a.Port, describeConnection(a.Port, c))
	}
	if strings.Contains(a.Address, ".localhost:") {
		text += fmt.Sprintf("%d: named %s\n", a.Port, a.Address)
	}
	if a.StartedBy != "" {
		text += fmt.Sprintf("%d: shared, started by %s, used by %s\n", a.Port, a.StartedBy, cmp.Or(wording.List(a.SharedBy), "no checkout"))
	}
	if a.Point != nil {
		text += fmt.Sprintf("%d: %s\n", a.Port, a.Point)
	}
	state := ""
	switch {
	case a.Free && a.Point != nil:
		state = "free, "
	case a.Free && len(a.Leases) == 0:
		return fmt.Sprintf("%d: free\n", a.Port)
	case a.Free:
		state = "free, "
	case text == "" && a.Container != nil:
		text = fmt.Sprintf("%d: published by %s\n", a.Port, describeContainer(*a.Container))
	case text == "":
		text = fmt.Sprintf("%d: taken by a process that is not visible from here; it may run in a container (to check: docker ps --filter publish=%[1]d)\n", a.Port)
	}
	for _, o := range a.Leases {
		text += fmt.Sprintf("%d: %sleased to %s\n", a.Port, state, o)
	}
	return text
}

// details are the details of a process that only who prints.
func (a whoRow) details(p holder.Process) string {
	if p.PID == 0 && a.Container != nil {
		return ", for " + describeContainer(*a.Container)
	}
	if p.Unverified {
		return fmt.Sprintf(" (unverified: only its user is known; for details: sudo devports who %d)", a.Port)
	}
	if p.PID == 0 {
		return fmt.Sprintf(" (for details: sudo devports who %d)", a.Port)
	}
	text := ""
	if p.User != "" {
		text += ", user " + p.User
	}
	if !p.Since.IsZero() {
		text += ", since " + p.Since.Local().Format(time.DateTime)
	}
	switch program := containerProxy(p.Command); {
	case program != "" && a.Container != nil:
		text += "; proxy for " + describeContainer(*a.Container)
	case program != "":
		text += fmt.Sprintf("; proxy for a container (to find it: %s ps --filter publish=%d)", program, a.Port)
	}
	return text
}

// containerProxy is the command of the engine whose proxy a process is, docker
// or podman; "" for other processes.
func containerProxy(command string) string {
	name, _, _ := strings.Cut(command, " ")
	switch filepath.Base(name) {
	case "dockerd", "docker-proxy", "com.docker.backend", "vpnkit-bridge", "rootlesskit":
		return "docker"
	case "rootlessport", "conmon", "gvproxy", "pasta", "slirp4netns":
		return "podman"
	}
	return ""
}

// String names the owner: "auth of shop (fix) in /home/ann/shop-fix, on branch
// fix at 1a2b3c4".
func (o owner) String() string {
	who := o.scope().Qualify(o.Name)
	if o.Directory != "" {
		who += " in " + o.Directory
	}
	if o.Branch != "" {
		who += ", on branch " + o.Branch
	}
	if o.Commit != "" {
		who += " at " + o.Commit[:min(len(o.Commit), 7)]
	}
	return text.OneLine(who)
}

func (l leaseRow) scope() registry.Scope {
	return registry.Scope{Directory: l.Directory, Project: l.Project, Worktree: l.Worktree}
}
