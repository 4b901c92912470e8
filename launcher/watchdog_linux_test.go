package launcher

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/system"
)

// A watchdog is replaced while orphans, which it has to know, come and go.
func TestWatchdogIsReplaced(t *testing.T) {
	const portfile = `[services]
web = 'while :; do (setsid sleep 0.01 &); sleep 0.005; done'`
	w := runWith(t, plan(t, portfile), Options{Instance: &Instance{Dedicated: true}})
	w.happened("started", "web")
	killed := map[int]bool{}
	for n := range 3 {
		pid := watchdogBelow(t, killed)
		killed[pid] = true
		id, err := process.Find(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := id.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.until("as many replacements as deaths", func(events []Event, _ string) bool {
			replaced := 0
			for _, e := range events {
				if _, ok := e.(WatchdogReplaced); ok {
					replaced++
				}
			}
			return replaced > n
		})
	}
	w.signals <- syscall.SIGTERM
	if s := w.status(); s != 0 {
		t.Errorf("status %d", s)
	}
}

// watchdogBelow returns the pid of the watchdog, once there is one that was not
// killed.
func watchdogBelow(t *testing.T, killed map[int]bool) int {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		children, err := proctree.Children(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range children {
			if !killed[pid] && system.IsWatchdog(strings.Fields(process.Command(pid))) {
				return pid
			}
		}
	}
	t.Fatal("there is no watchdog")
	return 0
}

// The run takes over a watchdog that was started before it, unless that was
// killed. Without a run, Dismiss ends it.
func TestEarlyWatchdog(t *testing.T) {
	early := system.StartWatchdog(nil)
	pid := watchdogBelow(t, nil)
	early.Dismiss()
	if children, err := proctree.Children(os.Getpid()); err != nil || slices.Contains(children, pid) {
		t.Errorf("dismissed: children %v, %v", children, err)
	}
	for _, kill := range []bool{false, true} {
		early := system.StartWatchdog(nil)
		pid := watchdogBelow(t, nil)
		killed := map[int]bool{}
		if kill {
			killed[pid] = true
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		w := runWith(t, plan(t, "[services]\nweb = 'sleep 1000'"), Options{Instance: &Instance{Dedicated: true, Watchdog: early}})
		w.happened("started", "web")
		now := watchdogBelow(t, killed)
		if (now == pid) == kill {
			t.Errorf("killed: %v, before: %d, during the run: %d", kill, pid, now)
		}
		w.signals <- syscall.SIGTERM
		if s := w.status(); s != 0 {
			t.Errorf("status %d", s)
		}
		early.Dismiss()
		if children, err := proctree.Children(os.Getpid()); err != nil || slices.Contains(children, now) {
			t.Errorf("after the run: children %v, %v", children, err)
		}
	}
}
