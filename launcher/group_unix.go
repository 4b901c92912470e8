//go:build unix

package launcher

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/procfile"
)

func shell(command string) []string { return []string{"/bin/sh", "-c", command} }

// processAttributes make the process the leader of a group of its own: the
// terminal's Ctrl-C reaches devports alone, and a signal to the group reaches
// what the process has started. With a terminal of its own it leads a session,
// too.
func processAttributes(_ procfile.Process, pty bool) *syscall.SysProcAttr {
	if pty {
		return &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctty: descriptor 0
	}
	return &syscall.SysProcAttr{Setpgid: true}
}

// terminateSignal asks a process to end whose own signal for that is unknown.
const terminateSignal = unix.SIGTERM

// group is everything that a service's process has started: the process group
// that it leads, and, once that is gone, those that have left it.
type group struct {
	pid     int
	service string
	family  *family

	mu     sync.Mutex     // guards what follows
	asked  syscall.Signal // the last one sent; 0 for none
	empty  bool           // nobody is in the process group: its number may become another's
	strays map[proc.ID]bool
}

// terminate sends all of the group the signal of that name, without "SIG".
func (g *group) terminate(name string) { g.signal(unix.SignalNum("SIG" + name)) }

func (g *group) kill() { g.signal(unix.SIGKILL) }

// signal sends a signal to all of the group. What has just vanished is no error;
// its end is told by follow.
func (g *group) signal(sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = sig
	if !g.empty {
		_ = unix.Kill(-g.pid, sig)
		if sig != unix.SIGKILL {
			_ = unix.Kill(-g.pid, unix.SIGCONT) // one that was stopped could not react
		}
	}
	for id := range g.strays {
		g.send(id)
	}
}

// send sends a stray what all have been sent. An ID is never another process.
func (g *group) send(id proc.ID) {
	if g.asked == 0 {
		return
	}
	_ = id.Signal(g.asked)
	if g.asked != unix.SIGKILL {
		_ = id.Signal(unix.SIGCONT)
	}
}

// lives reports whether anything of the group is left, once its leader has been
// waited for. A stray gets the signal that the group has got when it comes to
// light.
func (g *group) lives() bool {
	g.mu.Lock()
	if !g.empty {
		// The number is not given to another as long as a process is in the group.
		g.empty = errors.Is(unix.Kill(-g.pid, 0), unix.ESRCH)
	}
	empty, killing := g.empty, g.asked == unix.SIGKILL
	g.mu.Unlock()
	if !empty {
		return true
	}
	found := g.family.strays(g.service)
	if len(found) == 0 {
		g.family.guard.remove(g.pid)
		return false
	}
	if killing {
		g.endStrays()
		return true // to be looked after once more
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range found {
		if !g.strays[p.ID] {
			if g.strays == nil {
				g.strays = map[proc.ID]bool{}
			}
			g.strays[p.ID] = true
			g.send(p.ID)
		}
	}
	return true
}

// discard kills what is left of the process group, strays aside, once its
// leader has been waited for.
func (g *group) discard() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = unix.Kill(-g.pid, unix.SIGKILL)
	g.empty = true
	g.family.guard.remove(g.pid)
}

// endStrays kills what has left the group, and what that forks meanwhile.
func (g *group) endStrays() {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	_, _ = proctree.End(ctx, func(t proctree.Tree) []proctree.Process {
		return g.family.straysIn(t, g.service)
	}, 0, 0)
}
