package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/registry"
)

var lsCommand = command{
	name:    "ls",
	instead: "devports who %s",
	usage:   "list ports, and the processes that listen on them",
	help: `
Lists the ports of the project here. Outside of projects, or with -g, it lists
your user-wide names, and with --all the ports of everything.

Example:
  devports ls
  devports ls --all --json`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "list the ports of every project"},
		userWideFlag, jsonFlag, fileFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		leases, all, scope, pins, addresses, err := s.listed(c)
		if err != nil {
			return err
		}
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		var ports []int
		for _, l := range leases {
			ports = append(ports, l.Port)
		}
		holders := map[int][]holder.Process{}
		if len(ports) > 0 {
			if holders, err = s.listening(c.Context, r, ports...); err != nil {
				s.note("cannot determine which processes listen: %v", err)
			}
		}
		containers := map[int]engine.Container{}
		if slices.ContainsFunc(slices.Collect(maps.Values(holders)), mayBeContainer) {
			containers = engine.Published(c.Context, s.getenv)
		}
		if c.Bool("json") {
			rows := make([]leaseRow, 0, len(leases))
			for _, l := range leases {
				row := newLeaseRow(l)
				row.UnboundPin = pins[l.Name]
				if l.Name.Port == "" {
					row.Address = addresses[l.Name.Service]
				}
				if h, ok := holderOf(holders, l.Port); ok {
					row.Listener = &h
				}
				if c, ok := containers[l.Port]; ok && mayBeContainer(holders[l.Port]) {
					row.Container = &c
				}
				rows = append(rows, row)
			}
			return s.json(leasesOutput{Leases: rows})
		}
		if len(leases) == 0 {
			if c.Bool("all") {
				s.note("no ports")
			} else {
				s.note("no ports (%s)", scope)
			}
			return nil
		}
		return s.leaseTable(scope, leases, holders, containers, registry.ByPort(all), pins, addresses, c.Bool("all"))
	},
}

// leaseRow is a lease in JSON.
type leaseRow struct {
	Project   string    `json:"project,omitempty"`
	Worktree  string    `json:"worktree,omitempty"`
	Directory string    `json:"directory,omitempty"`
	Name      string    `json:"name"`
	Port      int       `json:"port"`
	Pinned    bool      `json:"pinned"`
	Since     time.Time `json:"since"`

	Address    string `json:"address,omitempty"`     // its named address
	UnboundPin int    `json:"unbound_pin,omitempty"` // the port that the Portfile pins, if that does not apply here
	Undeclared bool   `json:"undeclared,omitempty"`  // leased by `run` for a directory that belongs to no service

	Listener  *holder.Process   `json:"listener,omitempty"`
	Container *engine.Container `json:"container,omitempty"` // that publishes the port
}

func newLeaseRow(l registry.Lease) leaseRow {
	return leaseRow{
		Project: l.Scope.Project, Worktree: l.Scope.Worktree, Directory: l.Scope.Directory,
		Name: l.Name.String(), Port: l.Port, Pinned: l.Pinned, Since: l.Since, Undeclared: l.Undeclared,
	}
}

func leaseRows(leases []registry.Lease) []leaseRow {
	rows := make([]leaseRow, len(leases))
	for i, l := range leases {
		rows[i] = newLeaseRow(l)
	}
	return rows
}

// listed returns the leases to list, all leases, the scope unless it is --all,
// and for that scope the pins that do not apply and the named addresses.
func (s session) listed(c *cli.Context) (
	leases, all []registry.Lease, scope registry.Scope, unbound map[allocator.PortName]int, addresses map[string]string, err error,
) {
	if c.Bool("all") {
		r, err := s.openRegistry(c)
		if err != nil {
			return nil, nil, scope, nil, nil, err
		}
		all, err = r.Leases()
		return all, all, scope, nil, nil, err
	}
	p, err := s.openPlace(c)
	if err != nil {
		return nil, nil, scope, nil, nil, err
	}
	scope, all, err = p.project.Registry.SeenFrom(p.project.Checkout)
	for _, l := range all {
		if l.Scope == scope || p.directory != "" && l.Scope.Directory == p.directory {
			leases = append(leases, l)
		}
	}
	if err != nil {
		return nil, nil, scope, nil, nil, err
	}
	shared, err := p.project.SharedLeases(all)
	leases = append(leases, shared...)
	unbound = map[allocator.PortName]int{}
	for _, w := range p.project.Unbound(scope) {
		if !slices.ContainsFunc(shared, func(l registry.Lease) bool { return l.Name == w.Name }) {
			unbound[w.Name] = w.Pin
		}
	}
	return leases, all, scope, unbound, p.project.Addresses(scope), err
}

// leaseTable prints leases as a table.
func (s session) leaseTable(scope registry.Scope, leases []registry.Lease, holders map[int][]holder.Process, containers map[int]engine.Container, shared map[int][]registry.Lease, unbound map[allocator.PortName]int, addresses map[string]string, all bool) error {
	var t table
	header := []string{"NAME", "PORT", "LEASE", "LISTENER"}
	if len(addresses) > 0 {
		header = slices.Insert(header, 2, "ADDRESS")
	}
	if all {
		header = slices.Concat([]string{"PROJECT", "WORKTREE"}, header, []string{"DIRECTORY"})
	}
	t.add(header...)
	for _, l := range leases {
		kind, listener := "chosen", "-"
		switch pin := unbound[l.Name]; {
		case l.Pinned:
			kind = "pinned"
		case pin != 0:
			kind = fmt.Sprintf("chosen; pin %d does not apply here", pin)
		case l.Undeclared:
			kind = "chosen, for devports run"
		}
		if !all && l.Scope != scope && l.Scope.Project == scope.Project && !l.Scope.UserWide() {
			kind += ", shared"
		}
		kind += sharers(l, shared[l.Port])
		if h, ok := holderOf(holders, l.Port); ok {
			listener = describeShort(h)
			if c, ok := containers[l.Port]; ok && mayBeContainer(holders[l.Port]) {
				listener = describeContainer(c)
			}
		}
		row := []string{l.Name.String(), fmt.Sprint(l.Port), kind, listener}
		if len(addresses) > 0 {
			address := ""
			if l.Name.Port == "" {
				address = addresses[l.Name.Service]
			}
			row = slices.Insert(row, 2, dash(address))
		}
		if all {
			row = slices.Concat([]string{dash(l.Scope.Project), dash(l.Scope.Worktree)}, row, []string{dash(l.Scope.Directory)})
		}
		t.add(row...)
	}
	return t.write(s.stdout)
}

// sharers lists other leases of a lease's port, or a few of them if there are
// many.
func sharers(l registry.Lease, all []registry.Lease) string {
	const most = 3
	var names []string
	for _, o := range all {
		switch {
		case o == l:
			continue
		case len(names) == most:
			names = append(names, fmt.Sprintf("%d more", len(all)-1-most))
			return ", also by " + wording.List(names)
		}
		names = append(names, o.String())
	}
	if len(names) == 0 {
		return ""
	}
	return ", also by " + wording.List(names)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
