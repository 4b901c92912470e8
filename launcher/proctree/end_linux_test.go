package proctree

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// long is longer than any test may take.
const long = time.Hour

// endBelow ends the descendants of p, and fails the test if it has met any and
// one is left.
func endBelow(t *testing.T, p program, sig syscall.Signal, grace time.Duration) []Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	met, err := Kill(ctx, func(t Tree) []Process { return t.Below(p.pid()) }, sig, grace)
	if err != nil {
		t.Fatal(err)
	}
	if left := snap(t).Below(p.pid()); len(met) > 0 && len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	known := map[process.ID]bool{}
	for _, m := range met {
		if known[m.ID] {
			t.Errorf("returned twice: %v", m)
		}
		known[m.ID] = true
		if m.Alive() {
			t.Errorf("alive: %v", m)
		}
	}
	return met
}

func TestEndDescendants(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"TERM": unix.SIGTERM, "at once": 0} {
		t.Run(name, func(t *testing.T) {
			p := adopt(t, family)
			byName := p.names(t, 4)
			met := pids(endBelow(t, p, sig, long))
			for name, pid := range byName {
				if !slices.Contains(met, pid) {
					t.Errorf("not returned: %s %d", name, pid)
				}
			}
		})
	}
}

func TestEndNothing(t *testing.T) {
	p := sleeper(t)
	if met := endBelow(t, p, unix.SIGTERM, long); len(met) != 0 {
		t.Errorf("met %v", met)
	}
}

// A process can handle the signal, and what it starts for that is not signalled.
func TestEndGracefully(t *testing.T) {
	p := adopt(t, `trap 'sh -c "sleep 0.2; echo cleaned"; exit' TERM; echo ready; while :; do sleep 0.01; done`)
	p.line(t)
	endBelow(t, p, unix.SIGTERM, long)
	if got := p.rest(t); got != "cleaned\n" {
		t.Errorf("output %q", got)
	}
}

func TestEndIgnoredSignal(t *testing.T) {
	for grace := time.Second; ; grace *= 2 { // on a busy machine the shell takes longer to print
		p := adopt(t, `trap 'echo asked' TERM; echo ready; while :; do sleep 0.01; done`)
		p.line(t)
		began := time.Now()
		endBelow(t, p, unix.SIGTERM, grace)
		if took := time.Since(began); took < grace {
			t.Errorf("ended after %v", took)
		}
		got := p.rest(t)
		if got == "" && grace < 16*time.Second {
			continue
		}
		if got != "asked\n" {
			t.Errorf("output %q", got)
		}
		return
	}
}

func TestEndStopped(t *testing.T) {
	p := adopt(t, `trap 'echo woken; exit' TERM; echo self $$; while :; do sleep 0.01; done`)
	pid := p.names(t, 1)["self"]
	if err := idOf(t, pid).Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "stopped", func() bool {
		s, err := process.ReadStat(pid)
		return err == nil && s.Stopped
	})
	endBelow(t, p, unix.SIGTERM, long)
	if got := p.rest(t); got != "woken\n" {
		t.Errorf("output %q", got)
	}
}

// A child that find no longer returns after the end of its parent is still ended.
func TestEndLost(t *testing.T) {
	p := adopt(t, `sh -c 'echo parent $$; sh -c "trap : TERM; echo child \$\$; while :; do sleep 0.01; done" & wait' & wait`)
	byName := p.names(t, 2)
	parent, child := idOf(t, byName["parent"]), idOf(t, byName["child"])
	find := func(t Tree) []Process {
		self, _ := t.process(parent.PID)
		return append(t.Below(parent.PID), self)
	}
	if _, err := Kill(t.Context(), find, unix.SIGTERM, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if parent.Alive() || child.Alive() {
		t.Errorf("alive: parent %t, child %t", parent.Alive(), child.Alive())
	}
}

func TestEndCancelledInGrace(t *testing.T) {
	p := adopt(t, `trap 'echo asked' TERM; echo self $$; while :; do sleep 0.01; done`)
	id := idOf(t, p.names(t, 1)["self"])
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		p.line(t)
		cancel()
	}()
	met, err := Kill(ctx, func(t Tree) []Process { return t.Below(p.pid()) }, unix.SIGTERM, long)
	if !errors.Is(err, context.Canceled) || met[0].ID != id || !id.Alive() {
		t.Errorf("met %v, %v", met, err)
	}
}

func TestEndCancelledWhileKilling(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	looked := 0
	find := func(Tree) []Process { // always a new one
		if looked++; looked == 5 {
			cancel()
		}
		return []Process{{ID: process.ID{PID: math.MaxInt32, Start: int64(looked)}}}
	}
	met, err := Kill(ctx, find, 0, 0)
	if !errors.Is(err, context.Canceled) || len(met) != looked {
		t.Errorf("met %v, %v", met, err)
	}
}

// Kill never signals the calling process or its group.
func TestEndSelf(t *testing.T) {
	p := sleeper(t) // in this process's group
	find := func(t Tree) []Process {
		self, _ := t.process(os.Getpid())
		return append(t.Below(os.Getpid()), self)
	}
	met, err := Kill(t.Context(), find, 0, 0)
	if err != nil || slices.Contains(pids(met), os.Getpid()) || !slices.Contains(pids(met), p.pid()) {
		t.Errorf("met %v, %v", met, err)
	}
}

// A group of which only some processes are found is not killed as a whole.
func TestEndSparesGroup(t *testing.T) {
	p := adopt(t, `sleep 60 & echo one $!; sleep 60 & echo other $!; wait`)
	byName := p.names(t, 2)
	one, other := idOf(t, byName["one"]), idOf(t, byName["other"])
	find := func(t Tree) []Process {
		p, _ := t.process(one.PID)
		return []Process{p}
	}
	if _, err := Kill(t.Context(), find, 0, 0); err != nil {
		t.Fatal(err)
	}
	if one.Alive() || !other.Alive() {
		t.Errorf("alive: one %t, other %t", one.Alive(), other.Alive())
	}
}

// Kill returns an error for processes it may not signal, and does not wait for them.
func TestEndRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	p := start(t, exec.Command("sleep", "60"))
	s := role(t, "stranger", p.pidText())
	if got := s.rest(t); !strings.Contains(got, "(sleep 60): operation not permitted") {
		t.Errorf("error %q", got)
	}
	if !idOf(t, p.pid()).Alive() {
		t.Error("ended")
	}
}
