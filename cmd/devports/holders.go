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
	"github.com/devports/devports/registry"
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

// takenLine says who holds the port of a lease, and what to do about it.
func takenLine(l registry.Lease, holders []holder.Process) errorLine {
	who := "a process that cannot be seen from here"
	stop := "stop it"
	if len(holders) > 0 {
		who = describe(holders[0])
		if holders[0].PID > 0 {
			stop = fmt.Sprintf("stop it (kill %d)", holders[0].PID)
		}
	}
	instead := "move " + l.Name.String() + " to another port for good: devports up --reassign"
	if l.Pinned {
		instead = "pin another port"
	}
	return errorLine{fmt.Sprintf("port %d of %s is taken by %s", l.Port, l.Name, who), stop + ", or " + instead}
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
