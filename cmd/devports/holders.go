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
)

// listening are the ports on which any of the processes listens, as far as that
// can be told.
func listening(pids []int) []int {
	ports, err := holder.Ports(context.Background(), pids...)
	if err != nil {
		return nil
	}
	return ports
}

// takenLine says what holds the port of a lease, and what to do about it.
func takenLine(t project.Taken, containers map[int]engine.Container) errorLine {
	l := t.Lease
	who, stop := "something that cannot be seen from here", "stop it"
	container, published := containers[l.Port]
	switch {
	case published:
		who = describeContainer(container)
		stop = fmt.Sprintf("stop it (%s stop %s)", container.Engine, container.Name)
	case len(t.Holders) > 0:
		who, stop = describe(t.Holders[0]), stopping(t.Holders[0])
		if program := containerProxy(t.Holders[0].Command); program != "" {
			stop = fmt.Sprintf("stop the container that it stands for (%s ps --filter publish=%d)", program, l.Port)
		}
	case len(t.Connections) > 0:
		who, stop = describeConnection(l.Port, t.Connections[0]), stopping(t.Connections[0].Process)
		if t.Connections[0].PID == 0 {
			stop = "try again in a minute"
		}
	}
	instead := "move " + l.Name.String() + " to another port for good: devports up --reassign"
	if l.Pinned {
		instead = "pin another port"
	}
	return errorLine{fmt.Sprintf("port %d of %s is taken by %s", l.Port, l.Name, who), stop + ", or " + instead}
}

// stopping is what to do about a process.
func stopping(p holder.Process) string {
	if p.PID == 0 {
		return "stop it"
	}
	return fmt.Sprintf("stop it (kill %d)", p.PID)
}

// containersOf returns the containers that publish ports which are taken.
func (s session) containersOf(taken []project.Taken) map[int]engine.Container {
	for _, t := range taken {
		if mayBeContainer(t.Holders) && len(t.Connections) == 0 {
			return engine.Published(context.Background(), s.getenv)
		}
	}
	return nil
}

// mayBeContainer reports whether a busy port with these listeners may be one that
// a container publishes: there is none, or an engine's proxy, which others than
// root cannot see.
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

// describeConnection names what holds a port without listening on it.
func describeConnection(port int, c holder.Connection) string {
	who, state := "", strings.ToUpper(c.State)
	if c.PID > 0 || c.User != "" {
		who = describe(c.Process)
	}
	switch {
	case c.State == "bound":
		return who + ", which does not listen on it"
	case c.State == "time_wait":
		return "a connection with " + c.Remote + " that was closed less than a minute ago (TIME_WAIT)"
	case who == "":
		return fmt.Sprintf("a connection with %s that is being closed (%s)", c.Remote, state)
	case accepted(port, c.Remote):
		return fmt.Sprintf("a connection of %s, which no longer listens, with %s (%s)", who, c.Remote, state)
	}
	return fmt.Sprintf("an outgoing connection of %s to %s (%s)", who, c.Remote, state)
}

// accepted reports whether a connection came to port from remote, as the system's
// choice of ports for outgoing connections suggests.
func accepted(port int, remote string) bool {
	local, _ := allocator.LocalPorts()
	other, err := netip.ParseAddrPort(remote)
	return err == nil && local.Ephemeral.Contains(int(other.Port())) && !local.Ephemeral.Contains(port)
}

// describe names a process: pid, command, directory, and what it is if devports
// started it.
func describe(p holder.Process) string {
	if p.PID == 0 {
		if p.User != "" {
			return "a process of user " + p.User
		}
		return "a process of another user"
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

// managed says what a process is that devports has started: "shop (fix)'s web".
func managed(p holder.Process) string {
	switch {
	case p.Project == "":
		return "the user-wide " + p.Service
	case p.Worktree == "":
		return text.OneLine(p.Project + "'s " + p.Service)
	}
	return text.OneLine(fmt.Sprintf("%s (%s)'s %s", p.Project, p.Worktree, p.Service))
}

// holderOf looks the one process up that is told of a port.
func holderOf(holders map[int][]holder.Process, port int) (holder.Process, bool) {
	list := holders[port]
	if len(list) == 0 {
		return holder.Process{}, false
	}
	i := slices.IndexFunc(list, func(p holder.Process) bool { return p.Managed })
	return list[max(i, 0)], true
}

// describeShort names a process in a column, its program without the folder.
func describeShort(p holder.Process) string {
	if p.PID == 0 {
		return describe(p)
	}
	program, args, _ := strings.Cut(text.OneLine(p.Command), " ")
	return fmt.Sprintf("pid %d  %s", p.PID, wording.Shorten(strings.TrimSpace(filepath.Base(program)+" "+args), 40))
}
