package launcher

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The whole table of transitions: for every phase, and every wish that can be
// pending in it, what each event leads to. "·" is no change at all.
//
//	phase[/wish] : actions
var transitions = map[string]map[event]string{
	"waiting": {
		evStart: "starting: spawn", evStarted: "·", evFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "ended/rest", evKill: "ended/restNow", evRestart: "waiting", evRemove: "removed/vanish",
	},
	"starting": {
		evStart: "·", evStarted: "running", evFailed: "ended", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "starting/rest", evKill: "starting/restNow", evRestart: "starting/again", evRemove: "starting/vanish",
	},
	"starting/rest": {
		evStart: "·", evStarted: "stopping/rest: terminate allow", evFailed: "ended/rest", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "·", evKill: "starting/restNow", evRestart: "starting/again", evRemove: "starting/vanish",
	},
	"starting/again": {
		evStart: "·", evStarted: "stopping/again: terminate allow", evFailed: "waiting", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "starting/rest", evKill: "starting/restNow", evRestart: "·", evRemove: "starting/vanish",
	},
	"starting/vanish": {
		evStart: "·", evStarted: "stopping/vanish: terminate allow", evFailed: "removed/vanish", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "starting/rest", evKill: "starting/restNow", evRestart: "starting/again", evRemove: "·",
	},
	"starting/restNow": {
		evStart: "·", evStarted: "killing/restNow: kill allowKill", evFailed: "ended/restNow", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "starting/rest", evKill: "·", evRestart: "starting/again", evRemove: "starting/vanish",
	},
	"running": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "stopping: terminate allow", evGone: "ended", evTimeout: "·", evReady: "running ready", evUnready: "stopping: terminate allow",
		evStop: "stopping/rest: terminate allow", evKill: "killing/restNow: kill allowKill",
		evRestart: "stopping/again: terminate allow", evRemove: "stopping/vanish: terminate allow",
	},
	"running ready": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "stopping ready: terminate allow", evGone: "ended ready", evTimeout: "·", evReady: "·", evUnready: "stopping ready: terminate allow",
		evStop: "stopping/rest ready: terminate allow", evKill: "killing/restNow ready: kill allowKill",
		evRestart: "stopping/again ready: terminate allow", evRemove: "stopping/vanish ready: terminate allow",
	},
	"running retry": { // what has been decided when its process ended
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "stopping retry: terminate allow", evGone: "pausing retry: pause", evTimeout: "·", evReady: "running ready retry", evUnready: "stopping retry: terminate allow",
		evStop: "stopping/rest retry: terminate allow", evKill: "killing/restNow retry: kill allowKill",
		evRestart: "stopping/again retry: terminate allow", evRemove: "stopping/vanish retry: terminate allow",
	},
	"starting retry": {
		evStart: "·", evStarted: "running retry", evFailed: "pausing retry: pause", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "starting/rest retry", evKill: "starting/restNow retry", evRestart: "starting/again retry", evRemove: "starting/vanish retry",
	},
	"stopping retry": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "pausing retry: pause", evTimeout: "killing retry: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "stopping/rest retry", evKill: "killing/restNow retry: kill allowKill", evRestart: "stopping/again retry", evRemove: "stopping/vanish retry",
	},
	"stopping/rest retry": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended/rest retry", evTimeout: "killing/rest retry: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "·", evKill: "killing/restNow retry: kill allowKill", evRestart: "stopping/again retry", evRemove: "stopping/vanish retry",
	},
	"killing retry": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "pausing retry: pause", evTimeout: "ended retry lost", evReady: "·", evUnready: "·",
		evStop: "killing/rest retry", evKill: "killing/restNow retry", evRestart: "killing/again retry", evRemove: "killing/vanish retry",
	},
	"pausing retry": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "·", evTimeout: "starting: spawn", evReady: "·", evUnready: "·",
		evStop: "ended/rest", evKill: "ended/restNow", evRestart: "waiting", evRemove: "removed/vanish",
	},
	"stopping": { // its process has ended by itself, its children have not
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended", evTimeout: "killing: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "stopping/rest", evKill: "killing/restNow: kill allowKill", evRestart: "stopping/again", evRemove: "stopping/vanish",
	},
	"stopping/rest": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended/rest", evTimeout: "killing/rest: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "·", evKill: "killing/restNow: kill allowKill", evRestart: "stopping/again", evRemove: "stopping/vanish",
	},
	"stopping/again": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "waiting", evTimeout: "killing/again: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "stopping/rest", evKill: "killing/restNow: kill allowKill", evRestart: "·", evRemove: "stopping/vanish",
	},
	"stopping/vanish": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "removed/vanish", evTimeout: "killing/vanish: kill allowKill", evReady: "·", evUnready: "·",
		evStop: "stopping/rest", evKill: "killing/restNow: kill allowKill", evRestart: "stopping/again", evRemove: "·",
	},
	"killing": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended", evTimeout: "ended lost", evReady: "·", evUnready: "·",
		evStop: "killing/rest", evKill: "killing/restNow", evRestart: "killing/again", evRemove: "killing/vanish",
	},
	"killing/rest": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended/rest", evTimeout: "ended/rest lost", evReady: "·", evUnready: "·",
		evStop: "·", evKill: "killing/restNow", evRestart: "killing/again", evRemove: "killing/vanish",
	},
	"killing/again": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "waiting", evTimeout: "waiting", evReady: "·", evUnready: "·",
		evStop: "killing/rest", evKill: "killing/restNow", evRestart: "·", evRemove: "killing/vanish",
	},
	"killing/vanish": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "removed/vanish", evTimeout: "removed/vanish lost", evReady: "·", evUnready: "·",
		evStop: "killing/rest", evKill: "killing/restNow", evRestart: "killing/again", evRemove: "·",
	},
	"killing/restNow": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "ended/restNow", evTimeout: "ended/restNow lost", evReady: "·", evUnready: "·",
		evStop: "killing/rest", evKill: "·", evRestart: "killing/again", evRemove: "killing/vanish",
	},
	"ended": {
		evStart: "starting: spawn", evStarted: "·", evFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "ended/rest", evKill: "ended/restNow", evRestart: "waiting", evRemove: "removed/vanish",
	},
	"removed": {
		evStart: "·", evStarted: "·", evFailed: "·", evExited: "·", evGone: "·", evTimeout: "·", evReady: "·", evUnready: "·",
		evStop: "·", evKill: "·", evRestart: "·", evRemove: "·",
	},
}

var wishNames = [...]string{"none", "rest", "again", "vanish", "restNow"}

func describe(s service) string {
	text := s.phase.String()
	if s.wish != none {
		text += "/" + wishNames[s.wish]
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{s.ready, "ready"}, {s.retry, "retry"}, {s.lost, "lost"}} {
		if flag.set {
			text += " " + flag.name
		}
	}
	return text
}

func parse(t *testing.T, text string) service {
	t.Helper()
	words := strings.Fields(text)
	phaseName, wishName, _ := strings.Cut(words[0], "/")
	s := service{phase: phase(slices.Index(phaseNames[:], phaseName))}
	s.ready, s.retry = slices.Contains(words, "ready"), slices.Contains(words, "retry")
	if wishName != "" {
		s.wish = wish(slices.Index(wishNames[:], wishName))
	}
	if s.phase < 0 || s.wish < 0 {
		t.Fatalf("no such state: %q", text)
	}
	return s
}

func TestTransitions(t *testing.T) {
	for from, row := range transitions {
		s := parse(t, from)
		for e := evStart; e <= evRemove; e++ {
			want, ok := row[e]
			if !ok {
				t.Errorf("%s has no row for %s", from, e)
			}
			next, actions := s.next(e)
			got := describe(next)
			for i, a := range actions {
				if i == 0 {
					got += ":"
				}
				got += " " + a.String()
			}
			if want == "·" {
				want = from
				if next != s {
					t.Errorf("%s + %s changes %+v to %+v", from, e, s, next)
				}
			}
			if got != want {
				t.Errorf("%s + %s → %s, want %s", from, e, got, want)
			}
		}
	}
}

// The table covers every state that any events can lead to, and along the way
// no service ever has two processes, nor is one signalled that is not there.
func TestEveryStateIsInTheTable(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var s service
	process := false // there is one, or one is being made
	for range 100_000 {
		if s.phase.live() { // the supervisor decides when a process has ended
			s.retry = random.IntN(2) == 0
		}
		e := event(random.IntN(int(evRemove) + 1))
		switch e { // what only a process can tell
		case evStarted, evFailed:
			if s.phase != starting {
				continue
			}
			process = e == evStarted
		case evExited, evGone:
			if !process || s.phase == starting {
				continue
			}
			process = e == evExited
		}
		before := s
		var actions []action
		s, actions = s.next(e)
		name, _, _ := strings.Cut(describe(s), " ")
		if s.phase == ended || s.phase == removed {
			name = s.phase.String() // where no wish is pending
		}
		if transitions[name] == nil && transitions[name+" retry"] == nil {
			t.Fatalf("seed %d: %s + %s leads to %s, which is not in the table", seed, describe(before), e, describe(s))
		}
		for _, a := range actions {
			if a == spawn && before.phase.live() {
				t.Fatalf("seed %d: %s + %s makes a second process", seed, describe(before), e)
			}
			if (a == terminate || a == kill) && !process {
				t.Fatalf("seed %d: %s + %s signals a process that is not there", seed, describe(before), e)
			}
		}
		if !s.phase.live() {
			process = false
		}
		if s.phase == removed {
			s = service{}
		}
	}
}

func Example_service() {
	s := service{}
	for _, e := range []event{evStart, evStarted, evRestart, evTimeout, evGone, evStart} {
		var actions []action
		s, actions = s.next(e)
		fmt.Println(e, "→", s.phase, actions)
	}
	// Output:
	// start → starting [spawn]
	// started → running []
	// restart → stopping [terminate allow]
	// timeout → killing [kill allowKill]
	// gone → waiting []
	// start → starting [spawn]
}
