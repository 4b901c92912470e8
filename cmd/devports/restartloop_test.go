package main

import (
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/watcher"
)

// A file that restarts its service right after each start is detected, and no
// other.
func TestRestartLoop(t *testing.T) {
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name  string
		pause time.Duration // between each start and the change
		stop  time.Duration // between each restart and the start
		paths []string      // the files that change in turn
		since bool          // the service has a process
		want  []int         // the delays in seconds
	}{
		{"written at each start", 100 * time.Millisecond, 0, []string{"x"}, true, []int{0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30}},
		{"by one that takes long to stop", 100 * time.Millisecond, 9 * time.Second, []string{"x"}, true, []int{0, 0, 0, 0, 0, 1, 2, 4}},
		{"by one that has ended", 100 * time.Millisecond, 0, []string{"x"}, false, []int{0, 0, 0, 0, 0, 1, 2, 4}},
		{"edited now and then", loopWindow, 0, []string{"x"}, true, make([]int, 12)},
		{"edited when it has ended", loopWindow, 0, []string{"x"}, false, make([]int, 12)},
		{"several files in turn", 100 * time.Millisecond, 0, []string{"x", "y"}, true, make([]int, 12)},
	} {
		var r restarts
		now := epoch
		var got []int
		for i := range test.want {
			st := launcher.Status{Service: "web"}
			if now = now.Add(test.stop); test.since {
				st.Since = now
			}
			now = now.Add(test.pause)
			touched := watcher.Touched{Name: "web", Path: test.paths[i%len(test.paths)], Files: 1}
			atOnce, _ := r.add(st, touched, false, now)
			wait, waits := r.wait(now)
			if !waits {
				wait = 0
			}
			got = append(got, int(wait.Seconds()))
			if atOnce == waits {
				t.Errorf("%s: at once %v, waits %v", test.name, atOnce, waits)
			}
			if now = now.Add(wait); waits && !slices.Equal(r.take(now), []string{"web"}) {
				t.Errorf("%s: not due after %v", test.name, wait)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: delays of %v, want %v", test.name, got, test.want)
		}
	}
}

// While a restart is delayed, another change of the same file has no effect,
// and a change of another file restarts the service at once.
func TestRestartLoopIsLeft(t *testing.T) {
	var r restarts
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	st := launcher.Status{Service: "web"}
	for range loopLimit + 1 {
		r.add(st, watcher.Touched{Name: "web", Path: "x", Files: 1}, false, now)
	}
	if atOnce, text := r.add(st, watcher.Touched{Name: "web", Path: "x", Files: 1}, false, now); atOnce || text != "" {
		t.Errorf("the same file: %v, %q", atOnce, text)
	}
	if atOnce, _ := r.add(st, watcher.Touched{Name: "web", Path: "y", Files: 1}, false, now); !atOnce {
		t.Error("another file has to wait")
	}
	if _, waits := r.wait(now); waits {
		t.Error("a restart waits still")
	}
}
