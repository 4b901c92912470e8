package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// listeningPorts are the ports on which any of the processes listens, as far as that
// can be told.
func listeningPorts(pids []int) []int {
	ports, err := holder.Ports(context.Background(), pids...)
	if err != nil {
		return nil
	}
	return ports
}

// listening are the processes that listen on each of the ports, with what is known
// of those that a run has started.
func (s session) listening(ctx context.Context, r registry.Registry, ports ...int) (map[int][]holder.Process, error) {
	holders, err := holder.Listening(ctx, ports...)
	if err != nil {
		return holders, err
	}
	folder, err := s.runs()
	if err != nil {
		return holders, nil // without a home there are no runs
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
	owners := folder.Owners(ctx, slices.Compact(pids), leasedServices(r))
	for _, processes := range holders {
		for i, p := range processes {
			if owner, ok := owners[p.PID]; ok {
				processes[i] = owned(p, owner)
			}
		}
	}
	return holders, nil
}

// leasedServices are all services that a port is kept for.
func leasedServices(r registry.Registry) (names []string) {
	leases, _ := r.Leases() // one that is damaged has none
	for _, l := range leases {
		names = append(names, l.Name.Service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// owned returns p as a process of its owner, whatever its environment says.
func owned(p holder.Process, owner control.Owner) holder.Process {
	scope := scopeOfNote(owner.Note)
	if owner.Service != "" || p.Project != scope.Project || p.Worktree != scope.Worktree {
		p.Service = owner.Service
	}
	p.Managed, p.Project, p.Worktree, p.Checkout = true, scope.Project, scope.Worktree, scope.Directory
	if place := owner.MovedTo(); !owner.IsIn(scope.Directory) && place != "" {
		p.Checkout = place
	}
	if owner.Runs() {
		p.Run = owner.Note.PID
	}
	return p
}

// takenLine says who holds the port of a lease, and what to do about it.
func takenLine(l registry.Lease, holders []holder.Process) errorLine {
	who := "a process that cannot be seen from here"
	stop := "stop it"
	h, known := holderOf(map[int][]holder.Process{l.Port: holders}, l.Port)
	if known {
		who = describe(h)
	}
	instead := "move " + l.Name.String() + " to another port for good: devports up --reassign"
	if l.Pinned {
		instead = "pin another port"
		if h.Managed {
			instead = "give each service a port of its own: devports up --no-pins"
		}
	}
	hint := ""
	switch {
	case h.Run > 0:
		hint = "end that run: devports down --dir " + text.QuoteSh(h.Checkout) + ", or " + instead
	case h.Checkout != "":
		hint = "its run was killed: devports doctor --fix ends what that has left, or " + instead
	case h.Managed:
		hint = instead + "; or end its run, which has another home (DEVPORTS_HOME)"
	case h.PID > 0:
		hint = fmt.Sprintf("stop it (kill %d), or %s", h.PID, instead)
	default:
		hint = stop + ", or " + instead
	}
	return errorLine{fmt.Sprintf("port %d of %s is taken by %s", l.Port, l.Name, who), hint}
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
	case p.Service == "":
		return "a process of " + registry.Scope{Directory: p.Checkout, Project: p.Project, Worktree: p.Worktree}.String()
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
