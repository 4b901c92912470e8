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
	"github.com/devports/devports/registry"
)

var lsCommand = command{
	name:    "ls",
	instead: "devports who %s",
	usage:   "list the ports that are kept, and who listens on them now",
	help: `
Lists the ports of the project here; outside a project, or with -g, those of
your user-wide names; with --all, everything.

Example:
  devports ls
  devports ls --all --json`,
	flags: []cli.Flag{
		boolean("all", "a", "list the ports of every project"),
		userWideFlag, jsonFlag, fileFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		leases, everyone, scope, pins, err := s.listed(c)
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
				s.note("who listens cannot be told: %v", err)
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
				if h, ok := holderOf(holders, l.Port); ok {
					row.Listener = &h
				}
				if c, ok := containers[l.Port]; ok && mayBeContainer(holders[l.Port]) {
					row.Container = &c
				}
				rows = append(rows, row)
			}
			return s.json(rows)
		}
		if len(leases) == 0 {
			what := fmt.Sprintf("no ports are kept (%s)", scope)
			if c.Bool("all") {
				what = "no ports are kept"
			}
			s.note("%s", what)
			return nil
		}
		return s.table(leases, holders, containers, registry.ByPort(everyone), pins, c.Bool("all"))
	},
}

// leaseRow is a lease as programs read it.
type leaseRow struct {
	Project   string    `json:"project,omitempty"`
	Worktree  string    `json:"worktree,omitempty"`
	Directory string    `json:"directory,omitempty"`
	Name      string    `json:"name"`
	Port      int       `json:"port"`
	Pinned    bool      `json:"pinned"`
	Since     time.Time `json:"since"`

	UnboundPin int  `json:"unbound_pin,omitempty"` // the number that the Portfile pins, which binds in another checkout
	Undeclared bool `json:"undeclared,omitempty"`  // kept for a run in a folder that is no service's

	Listener  *holder.Process   `json:"listener,omitempty"`  // who listens now
	Container *engine.Container `json:"container,omitempty"` // the one that it listens for
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

// listed are the leases that the command line asks for, those of everyone, the
// scope that is meant unless it is all of them, and the pins that do not bind
// there.
func (s session) listed(c *cli.Context) (leases, everyone []registry.Lease, scope registry.Scope, unbound map[allocator.PortName]int, err error) {
	if c.Bool("all") {
		r, err := s.openRegistry(c)
		if err != nil {
			return nil, nil, scope, nil, err
		}
		everyone, err = r.Leases()
		return everyone, everyone, scope, nil, err
	}
	p, err := s.openPlace(c)
	if err != nil {
		return nil, nil, scope, nil, err
	}
	scope, everyone, err = p.project.Registry.SeenFrom(p.project.Checkout)
	for _, l := range everyone {
		if l.Scope == scope || p.folder != "" && l.Scope.Directory == p.folder {
			leases = append(leases, l)
		}
	}
	unbound = map[allocator.PortName]int{}
	for _, w := range p.project.Unbound(scope) {
		unbound[w.Name] = w.Pin
	}
	return leases, everyone, scope, unbound, err
}

// table prints leases for people to read.
func (s session) table(leases []registry.Lease, holders map[int][]holder.Process, containers map[int]engine.Container, shared map[int][]registry.Lease, unbound map[allocator.PortName]int, all bool) error {
	var t table
	header := []string{"NAME", "PORT", "KEPT", "LISTENING NOW"}
	if all {
		header = slices.Concat([]string{"PROJECT", "WORKTREE"}, header, []string{"DIRECTORY"})
	}
	t.add(header...)
	for _, l := range leases {
		kept, listener := "chosen", "-"
		switch pin := unbound[l.Name]; {
		case l.Pinned:
			kept = "pinned"
		case pin != 0:
			kept = fmt.Sprintf("chosen; %d pinned, not in this checkout", pin)
		case l.Undeclared:
			kept = "chosen, for run"
		}
		kept += sharers(l, shared[l.Port])
		if h, ok := holderOf(holders, l.Port); ok {
			listener = describeShort(h)
			if c, ok := containers[l.Port]; ok && mayBeContainer(holders[l.Port]) {
				listener = describeContainer(c)
			}
		}
		row := []string{l.Name.String(), fmt.Sprint(l.Port), kept, listener}
		if all {
			row = slices.Concat([]string{dash(l.Scope.Project), dash(l.Scope.Worktree)}, row, []string{dash(l.Scope.Directory)})
		}
		t.add(row...)
	}
	return t.write(s.stdout)
}

// sharers names those that have pinned the port of a lease, too, or a few of them
// if there are many.
func sharers(l registry.Lease, all []registry.Lease) string {
	const most = 3
	words, named := "", 0
	for _, o := range all {
		switch {
		case o == l:
			continue
		case named == most:
			return words + fmt.Sprintf(", as by %d more", len(all)-1-most)
		}
		words += ", as by " + o.String()
		named++
	}
	return words
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
