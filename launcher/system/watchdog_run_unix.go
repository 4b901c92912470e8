//go:build unix

package system

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

const (
	// watchdogGrace is how long processes have to exit before the watchdog
	// kills them. No process may run a second after devports has ended.
	watchdogGrace = 300 * time.Millisecond

	// restoreTimeout is how long the watchdog tries to restore a terminal that
	// accepts no output.
	restoreTimeout = time.Second
)

// Watchdog is the main function of a watchdog. It reads from pipe until
// devports has ended, then ends what devports has left.
func Watchdog(pipe io.Reader) {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE)
	// The kernel derives the name from the executable, which `pkill devports`
	// would match.
	_ = os.WriteFile("/proc/self/comm", []byte(watchdogArgs[0]), 0)
	state := newWatchdogState()
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		_ = state.apply(lines.Text())
	}
	// After Ctrl-S, writing to the terminal blocks.
	restored := make(chan struct{})
	go func() {
		defer close(restored)
		state.restore()
	}()
	state.killOrphans(watchdogGrace)
	select {
	case <-restored:
	case <-time.After(restoreTimeout):
	}
}

// restore restores the terminal, unless it is in a state that devports never
// sets: then a shell uses it. It resets what an attached service has changed,
// and erases the live view below the cursor.
func (s watchdogState) restore() {
	var found terminal.State
	tty := os.NewFile(3, "terminal")
	if json.Unmarshal([]byte(s.Terminal), &found) != nil || tty == nil {
		return
	}
	if now, err := terminal.StateOf(tty); err == nil && (now == found.Keys() || now == found.Raw()) {
		_ = found.Apply(tty)
	}
	if s.Attached {
		_, _ = tty.WriteString(screen.ResetSequence)
	}
	_, _ = tty.WriteString(screen.Erase)
}

// killOrphans kills all processes with the mark, those in the groups and
// sessions of leaders, orphans, and the descendants of all these, except those
// outside the run.
func (s watchdogState) killOrphans(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace+10*time.Second)
	defer cancel()
	killProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		live := map[int]bool{}
		for _, p := range t.Where(func(p proctree.Process) bool { return s.Leaders[p.PID] == p.ID }) {
			live[p.PID] = true
		}
		inGroup := func(p proctree.Process) bool { return live[p.Group] || live[p.Session] }
		roots := t.Where(func(p proctree.Process) bool { return live[p.PID] || inGroup(p) || s.Orphans[p.PID] == p.ID })
		if s.Variable != "" {
			roots = append(roots, t.Marked(proctree.Mark{Variable: s.Variable, Run: s.Run})...)
		}
		ours, _ := outside{s.Outside}.split(t, roots, inGroup)
		return ours
	}, grace)
}
