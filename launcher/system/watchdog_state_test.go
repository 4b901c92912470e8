//go:build unix

package system

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator/process"
)

func TestWatchdogState(t *testing.T) {
	want := watchdogState{
		Variable: "DEVPORTS_INSTANCE=a b", Run: process.RunTag("a b"), Outside: []string{"one", "t wo"},
		Terminal: `{"a":1}`, Attached: true,
		Leaders: map[int]process.ID{7: {PID: 7, Start: 70}, 8: {PID: 8, Start: -1}},
		Orphans: map[int]process.ID{9: {PID: 9, Start: 90}},
	}
	got := newWatchdogState()
	for line := range strings.Lines(string(want.lines())) {
		if err := got.apply(strings.TrimSuffix(line, "\n")); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{removeLine(7), removeLine(9), detachedLine, outsideLine(nil)} {
		if err := got.apply(line); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if len(got.Leaders) != 1 || len(got.Orphans) != 0 || got.Attached || len(got.Outside) != 0 {
		t.Errorf("%+v", got)
	}
}

// Any state can be written and read again, and an invalid line changes nothing.
func FuzzWatchdogState(f *testing.F) {
	for _, line := range []string{
		"variable A=b", "run 5", `outside ["a"]`, "terminal {}", "attached", "detached", "+5 6", "-5", "orphan 7 8", "orphan 0 0", "+5", "", "+-1 2", "outside x", "run -1", "\x00",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\r\n") {
			return // a scanner never returns such a line
		}
		begin := func() watchdogState {
			s := newWatchdogState()
			s.Variable, s.Run, s.Leaders[5], s.Orphans[6] = "A=b", 1, process.ID{PID: 5, Start: 5}, process.ID{PID: 6, Start: 6}
			return s
		}
		before, state := begin(), begin()
		if err := state.apply(line); err != nil {
			if diff := cmp.Diff(before, state); diff != "" {
				t.Errorf("refused, and changed: %s", diff)
			}
			return
		}
		for pid := range state.Leaders {
			if pid <= 0 {
				t.Errorf("pid %d would be a group", pid)
			}
		}
		again := newWatchdogState()
		for line := range strings.SplitSeq(strings.TrimSuffix(string(state.lines()), "\n"), "\n") {
			if err := again.apply(line); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
		if len(state.Outside) == 0 {
			state.Outside = nil
		}
		if diff := cmp.Diff(state, again); diff != "" {
			t.Error(diff)
		}
	})
}
