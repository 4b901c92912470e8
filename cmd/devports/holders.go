package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/holder/engine"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// listeningPorts returns the ports on which any of the processes listens; none
// if they cannot be determined.
func listeningPorts(pids []int) []int {
	ports, err := holder.Ports(context.Background(), pids...)
	if err != nil {
		return nil
	}
	return ports
}

// listening returns the processes that listen on each of the ports, with the
// project and service of those that a run has started.
func (s session) listening(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error) {
	holders, err := holder.Listening(ctx, ports...)
	if err != nil {
		return holders, err
	}
	directory, err := s.runs()
	if err != nil {
		return holders, nil // no home, hence no runs
	}
	var pids []int
	for _, processes := range holders {
		for _, p := range processes {
			if p.PID > 0 {
				pids = append(pids, p.PID)
			}
		}
	}
	slices.Sort(pids)
	owners := directory.Owners(ctx, slices.Compact(pids), leasedServices(r))
	for _, processes := range holders {
		for i, p := range processes {
			if owner, ok := owners[p.PID]; ok {
				processes[i] = owned(p, owner)
			}
		}
	}
	return holders, nil
}

// leasedServices are the names of all services with a lease.
func leasedServices(r registry.Registry) (names []string) {
	leases, _ := r.Leases() // none if the registry is damaged
	for _, l := range leases {
		names = append(names, l.Name.Service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// owned returns p with the project and service of its owner, which count more
// than its environment.
func owned(p holder.Process, owner control.Owner) holder.Process {
	scope := scopeOfNote(owner.Note)
	if owner.Service != "" || p.Project != scope.Project || p.Worktree != scope.Worktree {
		p.Service = owner.Service
	}
	p.Managed, p.Project, p.Worktree, p.RunDirectory = true, scope.Project, scope.Worktree, scope.Directory
	if place := owner.MovedTo(); !owner.IsIn(scope.Directory) && place != "" {
		p.RunDirectory = place
	}
	if owner.Runs() {
		p.Run = owner.Note.PID
	}
	return p
}

// takenLine describes what holds the port of a lease, and what to do about it.
func takenLine(t project.Taken, reassign bool, containers map[int]engine.Container) errorLine {
	l := t.Lease
	if to := t.Point; to.Port != 0 {
		return errorLine{
			fmt.Sprintf("port %d of %s points to %s in %s (devports point)", l.Port, l.Name, to.Scope.Qualify(to.Service), to.Scope.Directory),
			fmt.Sprintf("end the point (devports point %d --off), or pin another port", l.Port),
		}
	}
	instead := "move " + l.Name.String() + " to another port permanently: devports up --reassign"
	if l.Pinned {
		instead = "pin another port"
		if reassign {
			instead = fmt.Sprintf("replace %d in the Portfile, because --reassign does not move pins", l.Port)
		} else if h, _ := holderOf(map[int][]holder.Process{l.Port: t.Holders}, l.Port); h.Managed {
			instead = "give each service a port of its own: devports up --no-pins"
		}
	}
	who, hint := takenBy(t, instead, containers)
	return errorLine{fmt.Sprintf("port %d of %s is taken by %s", l.Port, l.Name, who), hint}
}

// takenBy describes what holds a port, with the hint for freeing it, or doing
// instead.
func takenBy(t project.Taken, instead string, containers map[int]engine.Container) (who, hint string) {
	port := t.Lease.Port
	h, known := holderOf(map[int][]holder.Process{port: t.Holders}, port)
	who, hint = "a process that is not visible from here", "stop it, or "+instead
	container, published := containers[port]
	switch {
	case published:
		who = describeContainer(container)
		hint = fmt.Sprintf("stop it (%s stop %s), or %s", container.Engine, container.Name, instead)
	case known:
		who, hint = describeProcess(h), freeing(port, h, instead)
	case len(t.Connections) > 0:
		c := t.Connections[0]
		who, hint = describeConnection(port, c), "try again in a minute, or "+instead
		if c.PID > 0 || c.User != "" {
			hint = freeing(port, c.Process, instead)
		}
	}
	return who, hint
}

// freeing is the hint for freeing the port that p holds, or doing instead.
func freeing(port int, p holder.Process, instead string) string {
	program := containerProxy(p.Command)
	switch {
	case p.Run > 0:
		scope := registry.Scope{Directory: p.RunDirectory, Project: p.Project, Worktree: p.Worktree}
		return "stop that run: " + wording.Down(scope, p.Worktree == control.SharedLabel) + ", or " + instead
	case p.RunDirectory != "":
		return "its run was killed; to kill leftover processes: devports doctor --fix, or " + instead
	case p.Managed:
		return instead + "; or stop it: it belongs to a devports run, or to a run with another DEVPORTS_HOME"
	case program != "":
		return fmt.Sprintf("stop the container behind it (to find it: %s ps --filter publish=%d), or %s", program, port, instead)
	case strings.Contains(p.Command, "/ControlCenter.app/"): // of macOS: it restarts at once
		return "turn off AirPlay Receiver in System Settings, General, AirDrop & Handoff, or " + instead
	case p.PID > 0:
		return fmt.Sprintf("stop it (%s), or %s", wording.Kill(p.PID), instead)
	}
	return "stop it, or " + instead
}

// containersOf returns the containers that publish the taken ports.
func (s session) containersOf(taken []project.Taken) map[int]engine.Container {
	for _, t := range taken {
		if mayBeContainer(t.Holders) && len(t.Connections) == 0 {
			return engine.Published(context.Background(), s.getenv)
		}
	}
	return nil
}

// mayBeContainer reports whether a container may publish a busy port with these
// listeners: there are none, or one is an engine's proxy, which only root can
// see.
func mayBeContainer(listeners []holder.Process) bool {
	return len(listeners) == 0 || slices.ContainsFunc(listeners, func(p holder.Process) bool {
		return p.PID == 0 || containerProxy(p.Command) != ""
	})
}

// describeContainer names a container: "the container shop-db-1 (postgres:16)".
func describeContainer(c engine.Container) string {
	who := "the container " + c.Name
	if c.Image != "" {
		who += " (" + c.Image + ")"
	}
	return text.OneLine(who)
}

// describeConnection describes a socket that holds a port without listening on
// it.
func describeConnection(port int, c holder.Connection) string {
	who, state := "", strings.ToUpper(c.State)
	if c.PID > 0 || c.User != "" {
		who = describeProcess(c.Process)
	}
	switch {
	case c.State == "bound":
		return who + ", which does not listen on it"
	case c.State == "time_wait":
		return "a connection to " + c.Remote + " that was closed less than a minute ago (TIME_WAIT)"
	case who == "":
		return fmt.Sprintf("a connection to %s that is closing (%s)", c.Remote, state)
	case accepted(port, c.Remote):
		return fmt.Sprintf("a connection of %s, which no longer listens, to %s (%s)", who, c.Remote, state)
	}
	return fmt.Sprintf("an outgoing connection of %s to %s (%s)", who, c.Remote, state)
}

// accepted reports whether a connection was accepted on port, judging by which
// end has an ephemeral port.
func accepted(port int, remote string) bool {
	local, _ := allocator.LocalPorts()
	other, err := netip.ParseAddrPort(remote)
	return err == nil && local.Ephemeral.Contains(int(other.Port())) && !local.Ephemeral.Contains(port)
}

// describeProcess names a process: pid, command, directory, and its service if
// devports started it.
func describeProcess(p holder.Process) string {
	if p.PID == 0 {
		who := "a process of another user"
		if p.User != "" {
			who = "a process of user " + p.User
		}
		if p.Managed {
			who = managed(p) + ", " + who
		}
		return who
	}
	who := fmt.Sprintf("pid %d (%s)", p.PID, text.OneLine(p.Command))
	if p.Managed {
		who = managed(p) + ", " + who
	}
	if p.Directory != "" {
		who += " in " + text.OneLine(p.Directory)
	}
	return who
}

// managed names the service of a process that devports started: "shop (fix)'s
// web". Of a process that has overwritten its environment, a run with another
// DEVPORTS_HOME is unknown.
func managed(p holder.Process) string {
	switch {
	case p.Service == "" && p.Project == "":
		return "a process of a devports run"
	case p.Service == "":
		return "a process of " + registry.Scope{Directory: p.RunDirectory, Project: p.Project, Worktree: p.Worktree}.String()
	case p.Project == "":
		return "the user-wide " + p.Service
	case p.Worktree == "":
		return text.OneLine(p.Project + "'s " + p.Service)
	}
	return text.OneLine(fmt.Sprintf("%s (%s)'s %s", p.Project, p.Worktree, p.Service))
}

// holderOf returns the process to show for a port: one that devports started,
// else the first.
func holderOf(holders map[int][]holder.Process, port int) (holder.Process, bool) {
	list := holders[port]
	if len(list) == 0 {
		return holder.Process{}, false
	}
	i := slices.IndexFunc(list, func(p holder.Process) bool { return p.Managed })
	return list[max(i, 0)], true
}

// describeShort names a process for a column, its program without the directory.
func describeShort(p holder.Process) string {
	if p.PID == 0 {
		return describeProcess(p)
	}
	program, args, _ := strings.Cut(text.OneLine(p.Command), " ")
	return fmt.Sprintf("pid %d  %s", p.PID, wording.Shorten(strings.TrimSpace(filepath.Base(program)+" "+args), 40))
}
