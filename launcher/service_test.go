package launcher

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/procfile"
)

// The whole table of transitions: for every phase, and every goal that can be
// pending in it, what each event leads to. "·" is no change at all.
//
//	phase[/goal] [flags] : actions
//
// Its service has a check, is not started again, and its processes fail.
var transitions = map[string]map[eventKind]string{
	"waiting": {
		evStart: "starting: spawn", evStarted: "·", evSpawnFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "ended/stop held", evKill: "ended/kill held", evRestart: "waiting", evRemove: "removed/remove",
	},
	"starting": {
		evStart: "·", evStarted: "running", evSpawnFailed: "ended failed", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "ended", evRenewed: "·",
		evStop: "starting/stop held", evKill: "starting/kill held", evRestart: "starting/restart", evRemove: "starting/remove",
	},
	"starting/stop held": {
		evStart: "·", evStarted: "running/stop held", evSpawnFailed: "ended/stop held", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "ended/stop held", evRenewed: "·",
		evStop: "·", evKill: "starting/kill held", evRestart: "starting/restart", evRemove: "starting/remove",
	},
	"starting/restart": {
		evStart: "·", evStarted: "running/restart", evSpawnFailed: "waiting", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "waiting", evRenewed: "·",
		evStop: "starting/stop held", evKill: "starting/kill held", evRestart: "·", evRemove: "starting/remove",
	},
	"starting/remove": {
		evStart: "·", evStarted: "running/remove", evSpawnFailed: "removed/remove", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "removed/remove", evRenewed: "·",
		evStop: "starting/stop held", evKill: "starting/kill held", evRestart: "starting/restart", evRemove: "·",
	},
	"starting/kill held": {
		evStart: "·", evStarted: "killing/kill held: kill", evSpawnFailed: "ended/kill held", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "ended/kill held", evRenewed: "·",
		evStop: "starting/stop held", evKill: "·", evRestart: "starting/restart", evRemove: "starting/remove",
	},
	"running": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping exit: terminate", evGone: "ended failed", evTimeout: "·", evReady: "running ready", evReadyTimeout: "stopping exit: terminate", evTerminate: "·", evStopToBuild: "running/restart", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "running/restart",
		evStop: "running/stop held", evKill: "killing/kill held: kill", evRestart: "running/restart", evRemove: "running/remove",
	},
	"running ready": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping ready exit: terminate", evGone: "ended ready failed", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "running/restart ready", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "running/restart ready",
		evStop: "running/stop ready held", evKill: "killing/kill ready held: kill", evRestart: "running/restart ready", evRemove: "running/remove ready",
	},
	"running/stop held": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/stop held exit: terminate", evGone: "ended/stop held", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "stopping/stop held: terminate", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "·", evKill: "killing/kill held: kill", evRestart: "running/restart", evRemove: "running/remove",
	},
	"running/restart": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/restart exit: terminate", evGone: "waiting", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "stopping/restart: terminate", evStopToBuild: "·", evRerun: "·", evDrain: "running/restart draining: drain", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "running/stop held", evKill: "killing/kill held: kill", evRestart: "·", evRemove: "running/remove",
	},
	"running/restart draining": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/restart exit: terminate", evGone: "waiting", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "stopping/restart: terminate", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "running/restart drained", evUpToDate: "·", evRenewed: "·",
		evStop: "running/stop held", evKill: "killing/kill held: kill", evRestart: "·", evRemove: "running/remove",
	},
	"running/restart drained": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/restart exit: terminate", evGone: "waiting", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "stopping/restart: terminate", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "running/stop held", evKill: "killing/kill held: kill", evRestart: "·", evRemove: "running/remove",
	},
	"running/remove": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/remove exit: terminate", evGone: "removed/remove", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "stopping/remove: terminate", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "running/stop held", evKill: "killing/kill held: kill", evRestart: "running/restart", evRemove: "·",
	},
	"backoff": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "·", evGone: "·", evTimeout: "waiting", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "ended/stop held", evKill: "ended/kill held", evRestart: "waiting", evRemove: "removed/remove",
	},
	"stopping": { // its process has ended on its own, its children have not
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping exit", evGone: "ended failed", evTimeout: "killing: kill", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "stopping/stop held", evKill: "killing/kill held: kill", evRestart: "stopping/restart", evRemove: "stopping/remove",
	},
	"stopping/stop held": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/stop held exit", evGone: "ended/stop held", evTimeout: "killing/stop held: kill", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "·", evKill: "killing/kill held: kill", evRestart: "stopping/restart", evRemove: "stopping/remove",
	},
	"stopping/restart": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/restart exit", evGone: "waiting", evTimeout: "killing/restart: kill", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "stopping/stop held", evKill: "killing/kill held: kill", evRestart: "·", evRemove: "stopping/remove",
	},
	"stopping/remove": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "stopping/remove exit", evGone: "removed/remove", evTimeout: "killing/remove: kill", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "stopping/stop held", evKill: "killing/kill held: kill", evRestart: "stopping/restart", evRemove: "·",
	},
	"killing": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "killing exit", evGone: "ended failed", evTimeout: "ended failed lost", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "killing/stop held", evKill: "killing/kill held", evRestart: "killing/restart", evRemove: "killing/remove",
	},
	"killing/stop held": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "killing/stop held exit", evGone: "ended/stop held", evTimeout: "ended/stop held lost", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "·", evKill: "killing/kill held", evRestart: "killing/restart", evRemove: "killing/remove",
	},
	"killing/restart": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "killing/restart exit", evGone: "waiting", evTimeout: "waiting lost", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "killing/stop held", evKill: "killing/kill held", evRestart: "·", evRemove: "killing/remove",
	},
	"killing/remove": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "killing/remove exit", evGone: "removed/remove", evTimeout: "removed/remove lost", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "killing/stop held", evKill: "killing/kill held", evRestart: "killing/restart", evRemove: "·",
	},
	"killing/kill held": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "killing/kill held exit", evGone: "ended/kill held", evTimeout: "ended/kill held lost", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "killing/stop held", evKill: "·", evRestart: "killing/restart", evRemove: "killing/remove",
	},
	"ended": {
		evStart: "starting: spawn", evStarted: "·", evSpawnFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "waiting", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "ended/stop held", evKill: "ended/kill held", evRestart: "waiting", evRemove: "removed/remove",
	},
	"ended/stop held": {
		evStart: "starting: spawn", evStarted: "·", evSpawnFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "·", evKill: "ended/kill held", evRestart: "waiting", evRemove: "removed/remove",
	},
	"removed": {
		evStart: "·", evStarted: "·", evSpawnFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evReadyTimeout: "·", evTerminate: "·", evStopToBuild: "·", evRerun: "·", evDrain: "·", evDrained: "·", evUpToDate: "·", evRenewed: "·",
		evStop: "·", evKill: "·", evRestart: "·", evRemove: "·",
	},
}

func describe(s service) string {
	text := s.phase.String()
	if s.goal != goalNone {
		text += "/" + s.goal.String()
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{s.ready, "ready"},
		{s.userStopped, "held"},
		{s.phase == running && s.drain == draining, "draining"},
		{s.phase == running && s.drain == drained, "drained"},
		{s.exit != nil && s.phase.live(), "exit"},
		{!s.failedAt.IsZero() && s.phase == ended, "failed"},
		{s.unkillable, "lost"},
	} {
		if flag.set {
			text += " " + flag.name
		}
	}
	return text
}

// epoch is the time when the tests begin.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(d time.Duration) time.Time { return epoch.Add(d) }

func parse(t *testing.T, text string) service {
	t.Helper()
	words := strings.Fields(text)
	phaseName, goalName, _ := strings.Cut(words[0], "/")
	s := service{phase: phase(slices.Index(phaseNames[:], phaseName))}
	s.ready, s.userStopped = slices.Contains(words, "ready"), slices.Contains(words, "held")
	switch {
	case slices.Contains(words, "draining"):
		s.drain = draining
	case slices.Contains(words, "drained"):
		s.drain = drained
	}
	s.procSpec.Ready.Kind = procfile.TCP
	if goalName != "" {
		s.goal = goal(slices.Index(goalNames[:], goalName))
	}
	if s.phase < 0 || s.goal < 0 {
		t.Fatalf("no such state: %q", text)
	}
	return s
}

func withActions(s service, actions []action) string {
	text := describe(s)
	for i, a := range actions {
		if i == 0 {
			text += ":"
		}
		text += " " + a.String()
	}
	return text
}

func TestTransitions(t *testing.T) {
	for from, row := range transitions {
		s := parse(t, from)
		for kind := evStart; kind <= evRemove; kind++ {
			want, ok := row[kind]
			if !ok {
				t.Errorf("%s has no row for %s", from, kind)
			}
			next, actions := s.next(epoch, event{kind: kind, exit: Exit{Status: 3}})
			got := withActions(next, actions)
			if want == "·" {
				want = from
				if !reflect.DeepEqual(next, s) {
					t.Errorf("%s + %s changes %+v to %+v", from, kind, s, next)
				}
			}
			if got != want {
				t.Errorf("%s + %s → %s, want %s", from, kind, got, want)
			}
		}
	}
}

// The table covers every reachable state, and along the way no service has two
// processes, nor is a missing process signalled.
func TestEveryStateIsInTheTable(t *testing.T) {
	seed := cmp.Or(*seed, rand.Uint64())
	random := rand.New(rand.NewPCG(seed, 0))
	var s service
	process := false // it is running or being spawned
	for range 100_000 {
		s.spec.Restart = []procfile.Restart{procfile.RestartNo, procfile.RestartAlways}[random.IntN(2)]
		s.spec.Ready.Kind = procfile.TCP
		e := event{kind: eventKind(random.IntN(int(evRemove) + 1)), exit: Exit{Status: 3}}
		switch e.kind { // events that only a process causes
		case evStarted, evSpawnFailed, evUpToDate:
			if s.phase != starting {
				continue
			}
			process = e.kind == evStarted
		case evExited, evGone:
			if !process || s.phase == starting {
				continue
			}
			process = e.kind == evExited
		}
		before := s
		var actions []action
		s, actions = s.next(epoch, e)
		name := s.phase.String()
		if s.phase != ended && s.phase != removed && s.goal != goalNone { // no goal is pending otherwise
			name += "/" + s.goal.String()
		}
		if s.userStopped && s.phase != ended && s.goal != goalNone {
			name += " held"
		}
		if s.phase == running && s.drain != notDrained {
			name += []string{draining: " draining", drained: " drained"}[s.drain]
		}
		if transitions[name] == nil {
			t.Fatalf("seed %d: %s + %s leads to %s, which is not in the table", seed, describe(before), e.kind, describe(s))
		}
		for _, a := range actions {
			if a == spawn && before.phase.live() {
				t.Fatalf("seed %d: %s + %s makes a second process", seed, describe(before), e.kind)
			}
			if (a == terminate || a == kill) && !process {
				t.Fatalf("seed %d: %s + %s signals a process that is not there", seed, describe(before), e.kind)
			}
		}
		if due := !s.deadline.IsZero(); due != (s.phase == backoff || s.phase == stopping || s.phase == killing) {
			t.Fatalf("seed %d: %s + %s leads to %s with the deadline %v", seed, describe(before), e.kind, describe(s), s.deadline)
		}
		if !s.phase.live() {
			process = false
		}
		if s.phase == removed {
			s = service{}
		}
	}
}

// life applies events to a service; durations pass time.
func life(s service, events ...any) service {
	now := epoch
	for _, e := range events {
		switch e := e.(type) {
		case time.Duration:
			now = now.Add(e)
		case eventKind:
			s, _ = s.next(now, event{kind: e, exit: Exit{Status: 3}})
		case event:
			s, _ = s.next(now, e)
		}
	}
	return s
}

func TestRetry(t *testing.T) {
	done := event{kind: evGone}
	failed := event{kind: evGone, exit: Exit{Status: 3}}
	for _, test := range []struct {
		restart procfile.Restart
		events  []any
		want    phase
	}{
		{procfile.RestartNo, []any{failed}, ended},
		{procfile.RestartNo, []any{done}, ended},
		{procfile.RestartOnFailure, []any{failed}, backoff},
		{procfile.RestartOnFailure, []any{done}, ended},
		{procfile.RestartAlways, []any{failed}, backoff},
		{procfile.RestartAlways, []any{done}, backoff},
		{procfile.RestartAlways, []any{evStop, evTerminate, failed}, ended},
		{procfile.RestartAlways, []any{evStop, failed}, ended}, // before evTerminate
		{procfile.RestartAlways, []any{evKill, failed}, ended},
		{procfile.RestartAlways, []any{evRemove, evTerminate, failed}, removed},
		{procfile.RestartAlways, []any{evRestart, evTerminate, failed}, waiting}, // without a backoff
		{procfile.RestartAlways, []any{evExited, evStop, failed}, ended},         // while its children end
		{procfile.RestartAlways, []any{evExited, evTimeout, evTimeout}, ended},
		{procfile.RestartOnFailure, []any{evReadyTimeout, done}, backoff}, // the first cause counts
	} {
		s := service{spec: procfile.Process{Restart: test.restart, Ready: procfile.Check{Kind: procfile.TCP}}}
		s = life(s, append([]any{evStart, evStarted}, test.events...)...)
		if s.phase != test.want {
			t.Errorf("%s, %v: %s, want %s", test.restart, test.events, s.phase, test.want)
		}
	}
	if s := life(service{spec: procfile.Process{Restart: procfile.RestartOnFailure}}, evStart, evSpawnFailed); s.phase != backoff {
		t.Errorf("one that could not be made is %s", s.phase)
	}
}

func TestBackoff(t *testing.T) {
	const second = time.Second
	s := service{spec: procfile.Process{Restart: procfile.RestartAlways}}
	round := func(events ...any) {
		s = life(s, append(events, evGone)...)
	}
	s = life(s, evStart)
	for i, want := range []time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second, 30 * second, 30 * second, 30 * second} {
		round(evStarted)
		if s.delay != want || !s.deadline.Equal(at(want)) {
			t.Errorf("end %d: again in %v, at %v; want %v", i+1, s.delay, s.deadline, want)
		}
		s = life(s, evTimeout, evStart)
	}
	round(evStarted, healthyAfter-1)
	if s.delay != 30*second {
		t.Errorf("just before it counts as healthy: %v", s.delay)
	}
	s = life(s, evTimeout, evStart)
	round(evStarted, healthyAfter)
	if s.delay != second {
		t.Errorf("after %v of health: %v", healthyAfter, s.delay)
	}
	s = life(s, evTimeout, evStart)
	round(evStarted)
	if s.delay != 2*second {
		t.Errorf("and then: %v", s.delay)
	}
	s = life(s, evRestart)
	if s.phase != waiting || s.delay != 0 || !s.deadline.IsZero() {
		t.Errorf("restarted by its user: %+v", s)
	}
	s = life(s, evStart)
	round(evStarted)
	if s.delay != second {
		t.Errorf("after a restart by its user: %v", s.delay)
	}
	s.retries = 1 << 40 // after years of restarts
	s = life(s, evTimeout, evStart)
	round(evStarted)
	if s.delay != 30*second {
		t.Errorf("at last: %v", s.delay)
	}
}

func TestDeadlines(t *testing.T) {
	s := service{spec: procfile.Process{StopTimeout: 7 * time.Second}}
	s = life(s, evStart, evStarted)
	if !s.deadline.IsZero() {
		t.Errorf("running: %v", s.deadline)
	}
	s = life(s, time.Second, evStop)
	if !s.deadline.IsZero() {
		t.Errorf("before its turn to end: %v", s.deadline)
	}
	s = life(s, time.Second, evTerminate)
	if !s.deadline.Equal(at(8 * time.Second)) {
		t.Errorf("asked to end: %v", s.deadline)
	}
	s = life(s, 8*time.Second, evTimeout)
	if !s.deadline.Equal(at(8*time.Second + system.KillTimeout)) {
		t.Errorf("killed: %v", s.deadline)
	}
	if s = life(s, evGone); !s.deadline.IsZero() {
		t.Errorf("ended: %v", s.deadline)
	}
}

// A process without a check is on trial for a while, unless it is stopping.
func TestTrial(t *testing.T) {
	s := service{spec: procfile.Process{Ready: procfile.Check{Kind: procfile.None}, StopTimeout: time.Minute}}
	s = life(s, evStart, evStarted)
	if !s.ready || !s.deadline.Equal(at(trialTime)) {
		t.Errorf("started: ready %v, deadline %v", s.ready, s.deadline)
	}
	if s := life(s, evTerminate, evStop, evTerminate); !s.deadline.Equal(at(time.Minute)) {
		t.Errorf("asked to end: %v", s.deadline)
	}
	if s := life(s, evTimeout); !s.ready || !s.deadline.IsZero() || s.phase != running {
		t.Errorf("after its trial: ready %v, deadline %v, %v", s.ready, s.deadline, s.phase)
	}
}

func TestUserStopped(t *testing.T) {
	up := life(service{}, evStart, evStarted)
	for _, test := range []struct {
		events []any
		want   bool
	}{
		{nil, false},
		{[]any{evGone}, false},
		{[]any{evStop}, true},
		{[]any{evStop, evTerminate, evGone}, true},
		{[]any{evGone, evStop}, true},
		{[]any{evStop, evTerminate, evGone, evRestart}, false},
		{[]any{evStop, evTerminate, evRestart, evGone}, false},
		{[]any{evStop, evTerminate, evGone, evRestart, evStart, evStarted}, false},
		{[]any{evRestart, evTerminate, evGone}, false},
		{[]any{evRemove, evTerminate}, false},
	} {
		if s := life(up, test.events...); s.userStopped != test.want {
			t.Errorf("%v: held is %v", test.events, s.userStopped)
		}
	}
}

// A service that is available can be relied on by its dependents.
func TestAvailable(t *testing.T) {
	const work, port, none = procfile.Done, procfile.TCP, procfile.None
	good, bad := event{kind: evGone}, event{kind: evGone, exit: Exit{Status: 3}}
	for _, test := range []struct {
		how    procfile.CheckKind
		events []any
		want   bool
	}{
		{port, nil, false},
		{port, []any{evStarted}, false},
		{port, []any{evStarted, evReady}, true},
		{port, []any{evStarted, evReady, evStop}, false},
		{port, []any{evStarted, evReady, evRestart}, false},
		{port, []any{evStarted, evReady, evExited}, false},
		{port, []any{evStarted, evReady, bad}, false},
		{port, []any{evStarted, evReady, good}, false},
		{port, []any{evStarted, good}, false},
		{port, []any{evStarted, evStop, evReady}, false},
		{none, []any{evStarted}, true},
		{none, []any{evStarted, good}, true},
		{none, []any{evStarted, bad}, false},
		{none, []any{evStarted, evStop, good}, false},
		{work, []any{evStarted}, false},
		{work, []any{evStarted, good}, true},
		{work, []any{evStarted, bad}, false},
		{work, []any{evSpawnFailed}, false},
		{work, []any{evStarted, evStop, evTerminate, good}, false},
		{work, []any{evStarted, good, evRestart}, false},
		{work, []any{evStarted, good, evRestart, evStart}, false},
		{work, []any{evStarted, event{kind: evExited}, evRestart, good}, false}, // another run is due
	} {
		s := service{spec: procfile.Process{Ready: procfile.Check{Kind: test.how}}}
		s = life(s, append([]any{evStart}, test.events...)...)
		if got := s.available(); got != test.want {
			t.Errorf("%s, %v: available is %v", test.how, test.events, got)
		}
	}
}

// The first failure of the latest process counts.
func TestFailed(t *testing.T) {
	s := life(service{}, evStart, evStarted, time.Minute, evGone)
	if !s.failedAt.Equal(at(time.Minute)) {
		t.Errorf("it failed at %v", s.failedAt)
	}
	if s = life(s, evRestart, evStart); !s.failedAt.IsZero() || s.exit != nil {
		t.Errorf("started again, it still has failed: %+v", s)
	}
	s = life(s, evStarted, evReadyTimeout, event{kind: evGone})
	if s.exit.Status != 3 {
		t.Errorf("what came first does not count: %+v", s.exit)
	}
	if s = life(service{}, evStart, evStarted, evKill, evTimeout); !s.unkillable || s.exit == nil || !s.exit.Requested {
		t.Errorf("one that KILL does not end: %+v", s)
	}
}

func TestEffectiveExitOfService(t *testing.T) {
	s := service{spec: procfile.Process{Port: 4711, Ready: procfile.Check{Kind: procfile.TCP}}}
	s = life(s, evStart, evStarted, evReady, event{kind: evExited, orphans: []Orphan{{PID: 7}}, serving: true}, evGone)
	var unready *NotReadyError
	if !errors.As(s.exit.Err, &unready) || s.ready || len(s.orphans) != 1 || s.failedAt.IsZero() {
		t.Errorf("one that serves from the background: %+v", s)
	}
	s = life(s, evRestart, evStart, evStarted, event{kind: evGone, needed: true})
	if !errors.As(s.exit.Err, &unready) || s.orphans != nil {
		t.Errorf("one that others need: %+v", s)
	}
	s = life(s, evRestart, evStart, evStarted, event{kind: evGone})
	if s.exit.Failed() || s.ready {
		t.Errorf("a short command: %+v", s)
	}
}

func Example_service() {
	s := service{}
	for _, kind := range []eventKind{evStart, evStarted, evRestart, evTerminate, evTimeout, evGone, evStart} {
		var actions []action
		s, actions = s.next(time.Now(), event{kind: kind})
		fmt.Println(kind, "→", s.phase, actions)
	}
	// Output:
	// start → starting [spawn]
	// started → running []
	// restart → running []
	// terminate → stopping [terminate]
	// timeout → killing [kill]
	// gone → waiting []
	// start → starting [spawn]
}
