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
	// watchdogGrace is what processes get from the watchdog to end by themselves.
	// Nothing is to run a second after devports has ended.
	watchdogGrace = 300 * time.Millisecond

	// restoreTimeout is how long the watchdog tries to restore a terminal that
	// takes no output.
	restoreTimeout = time.Second
)

// Watchdog is the whole life of a watchdog, which reads from pipe. It returns
// when devports has ended, and after ending what that has left.
func Watchdog(pipe io.Reader) {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE)
	// The kernel takes the name from the file of the program: `pkill devports`.
	_ = os.WriteFile("/proc/self/comm", []byte(watchdogArgs[0]), 0)
	state := newWatchdogState()
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		_ = state.apply(lines.Text())
	}
	// Ctrl-S stops the terminal's output, and what is written to it then waits.
	restored := make(chan struct{})
	go func() {
		defer close(restored)
		state.restore()
	}()
	state.endLeftovers(watchdogGrace)
	select {
	case <-restored:
	case <-time.After(restoreTimeout):
	}
}

// restore puts the terminal that the watchdog has got back into its state,
// unless it is in one that devports has never put it into: then a shell has it.
// What a service has done to it that had it is undone, and what the live view has
// left below the cursor, or a shell's prompt, is erased.
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

// endLeftovers ends all processes that bear the mark, those in the groups and sessions
// of leaders, orphans, and what is below any of them, but for what is outside.
func (s watchdogState) endLeftovers(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace+10*time.Second)
	defer cancel()
	endProcesses(ctx, func(t proctree.Tree) []proctree.Process {
		live := map[int]bool{}
		for _, p := range t.Where(func(p proctree.Process) bool { return s.Leaders[p.PID] == p.ID }) {
			live[p.PID] = true
		}
		inGroup := func(p proctree.Process) bool { return live[p.Group] || live[p.Session] }
		roots := t.Where(func(p proctree.Process) bool { return live[p.PID] || inGroup(p) || s.Orphans[p.PID] == p.ID })
		if s.Variable != "" {
			roots = append(roots, t.Marked(proctree.Mark{Variable: s.Variable, Run: s.Run})...)
		}
		ours, _ := outside{s.Shared}.split(t, roots, inGroup)
		return ours
	}, grace)
}
