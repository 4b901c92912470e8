package proctree

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// A process with a reused PID is not ended.
func TestReusedPID(t *testing.T) {
	p := sleeper(t)
	id := idOf(t, p.pid())
	old := process.ID{PID: id.PID, Start: id.Start - 1}
	if err := wait(t.Context(), []Process{{ID: old}}, time.Hour); err != nil {
		t.Errorf("wait: %v", err)
	}
	find := func(Tree) []Process { return []Process{{ID: old, Group: id.PID}} }
	if _, err := Kill(t.Context(), find, 0, 0); err != nil {
		t.Errorf("Kill: %v", err)
	}
	if !id.Alive() {
		t.Error("was ended")
	}
}

func TestZombie(t *testing.T) {
	p := start(t, exec.Command("true"))
	id := idOf(t, p.pid())
	eventually(t, "zombie", func() bool { return !id.Alive() })
	if below := snap(t).Below(os.Getpid()); len(below) != 0 {
		t.Errorf("below: %v", below)
	}
	if err := wait(t.Context(), []Process{{ID: id}}, time.Hour); err != nil {
		t.Errorf("wait: %v", err)
	}
}

// A process whose main thread has ended looks like a zombie.
func TestHeadless(t *testing.T) {
	variable := mark(t)
	name, value, _ := strings.Cut(variable, "=")
	t.Setenv(name, value)
	p := role(t, "headless")
	eventually(t, "headless", func() bool {
		status, err := os.ReadFile(process.File(p.pid(), "status"))
		return err == nil && strings.Contains(string(status), "State:\tZ")
	})
	id := idOf(t, p.pid())
	if !id.Alive() {
		t.Error("not alive")
	}
	if got := pids(snap(t).Marked(Mark{Variable: variable})); !cmp.Equal(got, []int{p.pid()}) {
		t.Errorf("marked: %v, want %d", got, p.pid())
	}
	if err := id.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), []Process{{ID: id}}, 20*time.Second); err != nil || id.Alive() {
		t.Errorf("still running: %v", err)
	}
}
