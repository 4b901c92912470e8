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

// terminate sends sig so that every process has the whole grace period.
//
// When the leader of a session ends, the kernel sends SIGHUP to the foreground
// group of its terminal. A shell that waits for a program is killed by SIGTERM
// at once, which would also end the program while it cleans up. Therefore such
// a leader is suspended until the others have ended. A leader that handles the
// signal is resumed after half of the grace period, in case the others wait for
// it.
func (g *group) terminate(sig syscall.Signal, grace time.Duration, m members, err error) {
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
	g.signal(m, sig) // to the leader as well, for when it is resumed
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
		return // SIGKILL ends suspended processes, too
	}
	_ = leader.Signal(unix.SIGCONT)
}

// mustSuspend reports whether a leader has to be suspended while the others
// end: if the signal would kill it at once, or if it is a shell. The others may
// need a leader that handles the signal: PostgreSQL's ends them in its own way.
// The runtimes of some languages, however, handle signals before the program
// does, and most programs then exit. They are suspended, too, unless they relay
// the output of the others, which would then block.
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

// relays reports whether a child of leader writes to a pipe or socket instead
// of the terminal: then leader probably reads from it.
func relays(leader proctree.Process, others []proctree.Process) bool {
	return slices.ContainsFunc(others, func(p proctree.Process) bool {
		return p.Parent == leader.PID && process.PrintsToPipe(p.PID)
	})
}

// suspend suspends a process, and reports whether that succeeded within
// timeout. SIGSTOP takes effect only when the process is scheduled; until then,
// it would handle another signal.
func suspend(ctx context.Context, leader process.ID, timeout time.Duration) bool {
	if leader.Signal(unix.SIGSTOP) != nil {
		return false
	}
	pause := 50 * time.Microsecond
	for end := time.Now().Add(timeout); time.Now().Before(end) && ctx.Err() == nil; pause = min(2*pause, 5*time.Millisecond) {
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
