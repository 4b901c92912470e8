package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// Processes that are hard to end.

func TestEndForkLoop(t *testing.T) {
	for name, trap := range map[string]string{"TERM": "", "TERM ignored": "trap '' TERM; "} {
		t.Run(name, func(t *testing.T) {
			p := adopt(t, trap+`i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); echo $i; done; wait`)
			p.line(t)
			go func() { _, _ = p.out.WriteTo(discard{}) }()
			endBelow(t, p, unix.SIGTERM, 20*time.Millisecond)
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestEndMany(t *testing.T) {
	p := adopt(t, `i=0; while [ $i -lt 200 ]; do sleep 60 & i=$((i+1)); done; echo ready; wait`)
	p.line(t)
	if met := endBelow(t, p, 0, 0); len(met) != 201 {
		t.Errorf("met %d", len(met))
	}
}

// hop starts a chain of processes: each forks and exits at once. The parent is an
// adopter.
func hop(t *testing.T, generations int, env ...string) program {
	t.Helper()
	p := adopt(t, fmt.Sprintf("%s=hopper exec '%s' %d", roleEnv, os.Args[0], generations), env...)
	p.line(t)
	return p
}

// A hopper exists at each moment. A snapshot may miss it when the PIDs wrap around,
// which is rare in so short a time.
func TestFindHopper(t *testing.T) {
	variable := mark(t)
	p := hop(t, 300_000, variable)
	below, marked := 0, 0
	const looks = 300
	for range looks {
		tree := snap(t)
		if len(tree.Below(p.pid())) > 0 {
			below++
		}
		if len(tree.Marked(Mark{Variable: variable})) > 1 { // the adopter is, too
			marked++
		}
	}
	if min(below, marked) < looks-3 {
		t.Errorf("of %d snapshots, %d found it below, %d marked", looks, below, marked)
	}
}

func TestEndHopper(t *testing.T) {
	p := hop(t, 100_000)
	for attempt := 1; len(endBelow(t, p, 0, 0)) == 0; attempt++ { // a snapshot may miss it
		if attempt == 3 {
			t.Fatal("it is not found")
		}
	}
	if got := p.rest(t); got != "" {
		t.Errorf("escaped: %q", got)
	}
}

func TestEndMarkedHopper(t *testing.T) {
	variable := mark(t)
	p := hop(t, 100_000, variable)
	find := func(tree Tree) []Process {
		var found []Process
		for _, m := range tree.Marked(Mark{Variable: variable}) {
			if m.PID != p.pid() {
				found = append(found, m)
			}
		}
		return found
	}
	for attempt := 1; ; attempt++ {
		met, err := Kill(t.Context(), find, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(met) > 0 {
			break
		}
		if attempt == 3 {
			t.Fatal("it is not found")
		}
	}
	if got := p.rest(t); got != "" {
		t.Errorf("escaped: %q", got)
	}
}

// killGroups kills a group for a member that is gone, whatever its members are now,
// unless the number was reused.
func TestKillGroups(t *testing.T) {
	p := adopt(t, `sleep 60 & echo member $!; echo leader $$; wait`)
	byName := p.names(t, 2)
	leader, member := byName["leader"], idOf(t, byName["member"])
	goneBy := []Process{{ID: process.ID{PID: math.MaxInt32}, Group: leader}}
	killGroups(newTree(goneBy), goneBy)
	if !member.Alive() {
		t.Fatal("killed, but the snapshot has another leader")
	}
	if err := idOf(t, leader).Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "leader waited for", func() bool {
		_, err := process.Find(leader)
		return errors.Is(err, fs.ErrNotExist)
	})
	killGroups(newTree(goneBy), goneBy)
	eventually(t, "member ended", func() bool { return !member.Alive() })
}

func TestWaitPolling(t *testing.T) {
	p := sleeper(t)
	ps := []Process{{ID: idOf(t, p.pid())}}
	if err := waitPolling(t.Context(), ps, 10*time.Millisecond); err != nil || !ps[0].Alive() {
		t.Errorf("limit: %v", err)
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = ps[0].Signal(unix.SIGKILL) })
	if err := waitPolling(t.Context(), ps, long); err != nil || ps[0].Alive() {
		t.Errorf("end: %v", err)
	}
}
