//go:build unix

package system

import (
	"context"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// ask sends sig in a way that gives every process the whole of its grace.
//
// The end of a session's leader hangs up on the others there: the kernel sends
// SIGHUP to the group that is in the foreground of the terminal. A shell that
// waits for a program dies of SIGTERM at once, and would so end the program while
// that cleans up. Such a leader is stopped until the others have ended. One that
// handles the signal goes on after half of the grace at the latest, in case the
// others wait for it.
func (g *group) terminate(sig syscall.Signal, grace time.Duration) {
	m, err := g.members()
	if err != nil || !g.session || m.leader == nil || len(m.others) == 0 {
		g.signal(m, sig)
		return
	}
	leader := m.leader.ID
	status, err := process.ReadStatus(leader.PID)
	executable, _ := process.Executable(leader.PID)
	handled := err != nil || status.Caught.Has(sig) || status.Ignored.Has(sig)
	if !mustSuspend(executable, handled, relays(*m.leader, m.others)) || !suspend(g.killed, leader, grace/4) {
		g.signal(m, sig)
		return
	}
	m.leaderStopped = true
	g.signal(m, sig) // to the leader, too, for when it goes on
	others := g.killed
	if status.Caught.Has(sig) {
		var cancel context.CancelFunc
		others, cancel = context.WithTimeout(g.killed, grace/2)
		defer cancel()
	}
	for len(m.others) > 0 && proctree.Wait(others, m.others, time.Second) == nil {
		if m, err = g.members(); err != nil {
			break
		}
	}
	if g.killed.Err() != nil {
		return // stopped or not, SIGKILL ends it
	}
	_ = leader.Signal(unix.SIGCONT)
}

// hangsUp reports whether a leader is to be stopped while the others end. It is
// if it would die of the signal at once, or is a shell. Another that handles the
// signal may be needed by the others: PostgreSQL's asks them to end in its own way.
// But the runtimes of some languages handle signals before the program has any
// say, and most programs then die. These are stopped, too, unless they pass on what
// the others print: those would wait for a reader.
func mustSuspend(executable string, handled, relays bool) bool {
	if !handled {
		return true
	}
	switch strings.TrimSuffix(path.Base(executable), " (deleted)") {
	case "sh", "dash", "bash", "rbash", "zsh", "ksh", "ksh93", "mksh", "oksh", "yash", "ash", "busybox", "fish", "tcsh", "csh":
		return true
	case "go", "node", "ruby":
		return !relays
	}
	return false
}

// relays reports whether a child of leader prints to a pipe or a socket instead
// of the terminal: then leader is likely to read that.
func relays(leader proctree.Process, others []proctree.Process) bool {
	return slices.ContainsFunc(others, func(p proctree.Process) bool {
		return p.Parent == leader.PID && process.PrintsToPipe(p.PID)
	})
}

// hold stops a process, and reports whether it has, in that time. SIGSTOP takes
// effect once the process gets to run, and until then it would act on another
// signal.
func suspend(ctx context.Context, leader process.ID, patience time.Duration) bool {
	if leader.Signal(unix.SIGSTOP) != nil {
		return false
	}
	pause := 50 * time.Microsecond
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; pause = min(2*pause, 5*time.Millisecond) {
		now, err := process.ReadStat(leader.PID)
		if err != nil || now.ID != leader || now.Zombie {
			return false
		}
		if now.Stopped {
			return true
		}
		time.Sleep(pause)
	}
	_ = leader.Signal(unix.SIGCONT)
	return false
}
