//go:build unix

package system

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// ShellCommand returns the arguments and attributes that run a command in the
// system's shell, like that of a service with that environment.
func ShellCommand(command string, _ procfile.Environment) ([]string, *syscall.SysProcAttr) {
	return shellCommand(command), nil
}

func shellCommand(command string) []string {
	if shellIsDash() {
		command = shell.Exec(command)
	}
	return []string{"/bin/sh", "-c", command}
}

var shellIsDash = sync.OnceValue(func() bool {
	path, err := filepath.EvalSymlinks("/bin/sh")
	return err == nil && filepath.Base(path) == "dash"
})

// processAttributes makes the process the leader of its own process group: the
// terminal's Ctrl-C reaches only devports, and a signal to the group reaches
// the process's children. With a terminal of its own, the process also leads a
// session.
func processAttributes(_ procfile.Process, pty bool) *syscall.SysProcAttr {
	if pty {
		return &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1} // descriptor 0 of a step is not a terminal
	}
	return &syscall.SysProcAttr{Setpgid: true}
}

// terminateSignal ends a process whose own stop signal is unknown.
const terminateSignal = unix.SIGTERM

// group is everything that a service's process has started: its process group,
// its session if it has a terminal of its own, and, once these are empty, the
// processes that have left them.
//
// Its methods may be called from any goroutine. Terminate and Kill return at
// once: each signals in a goroutine, and wait waits for these.
type group struct {
	pid     int
	service string
	set     *processSet
	session bool // pid leads a session

	killed  context.Context // done when everything is to be killed
	cancel  context.CancelFunc
	signals sync.WaitGroup

	mu         sync.Mutex          // guards the fields below
	closed     bool                // wait was called; no more signals
	lastSignal syscall.Signal      // the last signal sent; 0 for none
	sent       map[process.ID]bool // the processes known to have received lastSignal
	empty      bool                // the process group is empty, so its number may be reused
	hasOutside bool                // the group or session contains a process outside the run
	survivors  []process.ID        // those that were given up on; nil until then
}

func newGroup(pid int, service string, set *processSet, session bool) *group {
	g := &group{pid: pid, service: service, set: set, session: session, sent: map[process.ID]bool{}}
	g.killed, g.cancel = context.WithCancel(context.Background())
	return g
}

// Terminate sends a signal, named without "SIG", to everything of the service.
// After grace the caller may call Kill.
func (g *group) Terminate(name string, grace time.Duration) {
	g.send(unix.SignalNum("SIG"+name), func(sig syscall.Signal, m members, err error) { g.terminate(sig, grace, m, err) })
}

func (g *group) Kill() {
	g.cancel()
	g.send(unix.SIGKILL, func(sig syscall.Signal, m members, _ error) { g.signal(m, sig) })
}

// send has deliver send a signal to the members, which are listed after the call.
func (g *group) send(sig syscall.Signal, deliver func(syscall.Signal, members, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.lastSignal = sig
		clear(g.sent)
		snapshot := g.set.snapshots.Request() // now, to share it with other groups
		g.signals.Go(func() {
			m, err := g.listMembers(snapshot)
			deliver(sig, m, err)
		})
	}
}

// wait waits for the goroutines of Terminate and Kill. The group must have
// ended.
func (g *group) wait() {
	g.cancel()
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.signals.Wait()
}

// members are the live processes in the group of a service, and in its session
// if it has one.
type members struct {
	leader        *proctree.Process // nil once it has ended
	others        []proctree.Process
	outside       []proctree.Process // processes outside the run
	leaderStopped bool               // SIGSTOP holds the leader until the others have ended
}

func (g *group) has(p proctree.Process) bool {
	return p.Group == g.pid || g.session && p.Session == g.pid
}

// members fails where processes cannot be listed: then only the group as a
// whole can be signalled.
func (g *group) members() (members, error) { return g.listMembers(g.set.snapshots.Take) }

func (g *group) listMembers(snapshot func() (proctree.Tree, error)) (m members, err error) {
	g.mu.Lock()
	empty := g.empty
	g.mu.Unlock()
	if empty {
		return members{}, nil // the number may be another group's
	}
	tree, err := snapshot()
	if err != nil {
		return members{}, err
	}
	for _, p := range tree.Where(g.has) {
		switch {
		case p.PID == g.pid:
			m.leader = &p
		case markedOutside(p.PID):
			m.outside = append(m.outside, p)
		default:
			m.others = append(m.others, p)
		}
	}
	if len(m.outside) > 0 {
		g.mu.Lock()
		g.hasOutside = true
		g.mu.Unlock()
	}
	return m, nil
}

// signal sends sig to all members. If all processes of a process group are
// members, it signals the group as a whole, so that processes being forked
// receive the signal, too.
func (g *group) signal(m members, sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	whole := map[int]bool{g.pid: !g.empty}
	for _, p := range m.others {
		whole[p.Group] = p.Group != g.pid && p.Alive() || whole[p.Group]
	}
	for _, p := range m.outside {
		whole[p.Group] = false
	}
	all := m.others
	if m.leader != nil {
		all = append(slices.Clip(all), *m.leader)
	}
	for group, ok := range whole {
		if ok {
			_ = unix.Kill(-group, sig)
		}
	}
	for _, p := range all {
		g.sent[p.ID] = true
		if !whole[p.Group] {
			_ = p.Signal(sig)
		}
	}
	if sig != unix.SIGKILL {
		g.resume(m, whole)
	}
}

// resume sends SIGCONT to the members, as suspended processes cannot handle a
// signal.
func (g *group) resume(m members, whole map[int]bool) {
	for group, ok := range whole {
		if ok && !m.leaderStopped {
			_ = unix.Kill(-group, unix.SIGCONT)
		}
	}
	for _, p := range m.others {
		if m.leaderStopped || !whole[p.Group] {
			_ = p.Signal(unix.SIGCONT)
		}
	}
}

// lives reports whether anything of the group is left, once its leader has been
// reaped. Processes that have left the group receive the group's last signal
// once they are found.
func (g *group) lives() bool {
	g.mu.Lock()
	survivors := g.survivors
	g.mu.Unlock()
	if survivors != nil { // what else is found now is of the service's next process
		if slices.ContainsFunc(survivors, process.ID.Alive) {
			return true
		}
		g.unregister()
		return false
	}
	if !g.isEmpty() {
		return true
	}
	ours, out := g.set.orphansOf(g.service)
	g.leaveRunning(out)
	if len(ours) == 0 {
		g.unregister()
		return false
	}
	g.mu.Lock()
	last := g.lastSignal
	g.mu.Unlock()
	if last == unix.SIGKILL {
		g.killOrphans()
		return true // check again
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range ours {
		if last != 0 && !g.sent[p.ID] {
			g.sent[p.ID] = true
			_ = p.Signal(last)
			_ = p.Signal(unix.SIGCONT)
		}
	}
	return true
}

// isEmpty reports whether the process group is empty, except for processes
// outside the run.
func (g *group) isEmpty() bool {
	g.mu.Lock()
	if !g.empty {
		// The kernel does not reuse the number while the group has a process.
		g.empty = errors.Is(unix.Kill(-g.pid, 0), unix.ESRCH)
	}
	empty, out := g.empty, g.hasOutside
	g.mu.Unlock()
	if empty || !out {
		return empty
	}
	m, err := g.members()
	if err != nil || m.leader != nil || len(m.others) > 0 {
		return false
	}
	g.leaveRunning(m.outside)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty = true
	return true
}

// leaveRunning reports processes outside the run, which keep running.
func (g *group) leaveRunning(out []proctree.Process) {
	for _, l := range g.set.leaveRunning(g.service, out) {
		g.set.leftRunning(l)
	}
}

// hasLeftRunning reports whether the service has left processes outside the run
// running.
func (g *group) hasLeftRunning() bool { return g.set.hasLeftRunning(g.service) }

// Survivors returns the processes of the group that SIGKILL has not ended. The
// group sends no more signals then.
func (g *group) Survivors() []Orphan {
	m, err := g.members()
	if err != nil {
		return nil
	}
	all := m.others
	if m.leader != nil {
		all = append(all, *m.leader)
	}
	ours, _ := g.set.orphansOf(g.service)
	var left []Orphan
	survivors := []process.ID{}
	for _, p := range append(all, ours...) {
		if slices.Contains(survivors, p.ID) {
			continue // it has just left the group
		}
		survivors = append(survivors, p.ID)
		l := orphanOf(p)
		l.Service = g.service
		l.Err = cmp.Or(p.Signal(0), errSurvived)
		left = append(left, l)
	}
	g.mu.Lock()
	g.survivors = survivors
	g.mu.Unlock()
	return left
}

// discard kills what is left of the process group, but not orphans, once its
// leader has been reaped.
func (g *group) discard() {
	g.mu.Lock()
	_ = unix.Kill(-g.pid, unix.SIGKILL)
	g.empty = true
	g.mu.Unlock()
	g.unregister()
	g.wait()
}

func (g *group) unregister() {
	g.set.groups.Delete(g.pid)
	g.set.watchdog.remove(g.pid)
}

// killOrphans kills the processes that have left the group, and those that they
// fork meanwhile.
func (g *group) killOrphans() {
	ctx, cancel := context.WithTimeout(context.Background(), KillTimeout)
	defer cancel()
	_, _ = proctree.Kill(ctx, func(t proctree.Tree) []proctree.Process {
		ours, _, _ := g.set.orphansIn(t, g.service)
		return ours
	}, 0, 0)
}
