package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// withFreePorts makes a command that starts services fail early if something
// else holds one of their ports.
func withFreePorts(k command) command {
	run := k.run
	k.run = func(s session, c *cli.Context) error {
		i, scope, err := s.running(c)
		if err != nil {
			return err
		}
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		if a := i.Query(c.Context); a.Responded() { // else the command reports what is wrong
			if err := s.checkPorts(c.Context, r, a.Info, s.expandGroups(c, scope, i, c.Args().Slice())); err != nil {
				return err
			}
		}
		return run(s, c)
	}
	return k
}

// checkPorts returns an error if something else holds a port of a stopped
// service of a run: of the named ones, or of all. The error names the holders.
func (s session) checkPorts(ctx context.Context, r registry.Registry, info control.Info, names []string) error {
	leases, err := r.Leases()
	if err != nil {
		return err
	}
	scope, starts := scopeOfInfo(info), waitingServices(info, names)
	p := project.None(s.host(), r, info.Directory)
	shared := s.sharedRuns(scope)
	f := failure{status: exitPort}
	for _, l := range movedTo(scope, leases) {
		if l.Scope != scope || !slices.Contains(starts, l.Name.Service) {
			continue
		}
		err := p.Free(ctx, []registry.Lease{l}, func(h holder.Process) bool {
			return (h.Run == info.PID || slices.Contains(shared, h.Run)) && h.Service == l.Name.Service
		})
		var taken *project.TakenError
		if !errors.As(err, &taken) {
			continue
		}
		line := takenLine(taken.Taken[0], false, s.containersOf(taken.Taken))
		if h, ok := holderOf(map[int][]holder.Process{l.Port: taken.Taken[0].Holders}, l.Port); ok && h.Run == info.PID && h.Service != "" {
			line.hint = "stop that service of this run: devports stop " + h.Service
		}
		f.lines = append(f.lines, line)
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}

// waitingServices are the services among names (none stands for all) that have
// no process and can be started.
func waitingServices(info control.Info, names []string) []string {
	idle := idleServices(info, names)
	for _, st := range info.Services {
		selected := len(names) == 0 || slices.Contains(names, st.Service)
		if selected && (st.State == launcher.StateBackoff || st.State == launcher.StateDone && len(names) > 0) {
			idle = append(idle, st.Service)
		}
	}
	return idle
}
