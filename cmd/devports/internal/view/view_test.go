package view

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

func TestKeys(t *testing.T) {
	for sent, want := range map[string]string{
		"a":               "a",
		"2r":              "2 r",
		"\x1b[A\x1bOB":    "up down",
		"\x1b":            "escape",
		"\x1b[15~q":       "q", // F5 has no meaning
		"\x1b[1;5C":       "",
		"é好":              "é 好",
		"\r\n\x7f\x15":    "enter enter erase erase all",
		"\x00\x01\tx\xff": "x \xff",
		"\x1b\x1b[B":      "escape down",
	} {
		var keys []string
		for rest := []byte(sent); len(rest) > 0; {
			key, n := firstKey(rest)
			if rest = rest[n:]; key != "" {
				keys = append(keys, key)
			}
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%q is %q, want %q", sent, got, want)
		}
	}
}

func statuses(names ...string) (all []launcher.Status) {
	for _, name := range names {
		all = append(all, launcher.Status{Service: name, State: launcher.StateReady})
	}
	return all
}

// TestPress applies keys to a model: each list of keys has the last command and
// the shown output.
func TestPress(t *testing.T) {
	for _, test := range []struct {
		keys string
		do   command
		seen string
	}{
		{"2", cmdFilter, "only b"},
		{"2 2", cmdFilter, "only b"},
		{"9", cmdNothing, "all output"},
		{"2 0", cmdFilter, "all output"},
		{"2 escape", cmdFilter, "all output"},
		{"escape", cmdNothing, "all output"},
		{"down", cmdFilterSoon, "only a"},
		{"down down down down", cmdFilterSoon, "all output"},
		{"up", cmdFilterSoon, "only c"},
		{"up up down", cmdFilterSoon, "only c"},
		{"3 r", cmdRestart, "only c"},
		{"r", cmdNothing, "all output"},
		{"q", cmdInterrupt, "all output"},
		{"d", cmdNothing, "all output"},
		{"/ q . enter", cmdFilter, "only lines matching q."},
		{"/ q erase erase q", cmdInterrupt, "all output"},
		{"/ x enter 1", cmdFilter, "only a, lines matching x"},
		{"/ x enter / enter", cmdFilter, "all output"},
		{"/ x enter / y escape", cmdNothing, "only lines matching x"},
		{"/ ( enter", cmdNothing, "all output"},
		{"/ ( enter ) enter", cmdFilter, "only lines matching ()"},
		{"/ a b erase all c enter", cmdFilter, "only lines matching c"},
		{"p", cmdPause, "all output"},
		{"p p", cmdResume, "all output"},
		{"? 1", cmdFilter, "only a"},
		{"redraw", cmdRedraw, "all output"},
		{"x", cmdNothing, "all output"},
	} {
		m, do := model{services: statuses("a", "b", "c")}, cmdNothing
		words := strings.ReplaceAll(test.keys, keyEraseAll, "EA")
		for _, key := range strings.Fields(words) {
			m, do = m.press(strings.ReplaceAll(key, "EA", keyEraseAll))
		}
		if do != test.do || m.shown() != test.seen {
			t.Errorf("%s: asks for %d and shows %q, want %d and %q", test.keys, do, m.shown(), test.do, test.seen)
		}
	}
	// A single service need not be picked.
	m := model{services: statuses("only")}
	if m, do := m.press("r"); do != cmdRestart || m.target() != "only" {
		t.Errorf("asks for %d of %s", do, m.target())
	}
}

// A service that an edit removes is no longer picked; one that is added
// changes nothing.
func TestChange(t *testing.T) {
	m := model{services: statuses("a", "b"), picked: "b", match: regexp.MustCompile("x")}
	m, do := m.change(statuses("a", "b", "c"))
	if do != cmdNothing || m.picked != "b" || m.notice != "" {
		t.Errorf("with another service it asks for %d, with %q picked and %q", do, m.picked, m.notice)
	}
	m, do = m.change(statuses("a", "c"))
	if do != cmdFilter || m.shown() != "only lines matching x" || m.notice != "b is no longer declared" {
		t.Errorf("without the service it asks for %d and shows %q and %q", do, m.shown(), m.notice)
	}
}

// drawn renders a model as text.
func drawn(m model, size terminal.Size) string {
	rows, _ := m.rows(size, time.Now(), false)
	var text strings.Builder
	for _, row := range rows {
		for _, s := range row {
			text.WriteString(s.Text)
		}
		text.WriteByte('\n')
	}
	return regexp.MustCompile(` +\n`).ReplaceAllString(text.String(), "\n")
}

// A row shows the state of its service and of its build.
func TestRowsOfBuilds(t *testing.T) {
	m := model{title: "shop", services: []launcher.Status{
		{Service: "api", State: launcher.StateReady, Port: 23118, Build: launcher.BuildFailure, Detail: "build failed: exited with status 2"},
		{Service: "auth", State: launcher.StateReady, Port: 23119, Build: launcher.BuildRunning},
		{Service: "web", State: launcher.StateFailed, Build: launcher.BuildFailure, Detail: "build failed: exited with status 1"},
	}}
	const want = `── shop: 2 of 3 ready, 1 failed ──────────────────────────────────────────────── ? keys · q quit ──
 1 ● api   ready (build failed)  http://localhost:23118                   build failed: exited with status 2
 2 ● auth  ready (building)      http://localhost:23119
 3 ✗ web   failed                                                         build failed: exited with status 1
`
	if diff := cmp.Diff(want, drawn(m, terminal.Size{Rows: 30, Columns: 100})); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
		m := model{title: "shop/fix", picked: "db", services: []launcher.Status{
			{Service: "auth", State: launcher.StateReady, Port: 23118, PID: 1, Since: ago(70 * time.Second), ReadyMS: 120.5},
			{Service: "catalog", State: launcher.StateWaiting, Port: 23119, Detail: "needs db"},
			{Service: "db", State: launcher.StateStarting, Port: 5432, PID: 2, Since: ago(3 * time.Second), Restarts: 2, Detail: "nothing listens on port 5432 yet"},
			{Service: "mailer", State: launcher.StateFailed, Detail: "exited with status 3"},
			{Service: "migrate", State: launcher.StateDone},
			{Service: "worker", State: launcher.StateBackoff, Detail: "exited with status 1; restarting in 2 s", Since: ago(3 * time.Hour)},
		}}
		for _, test := range []struct {
			size terminal.Size
			want string
		}{
			{terminal.Size{Rows: 30, Columns: 100}, `
── shop/fix: 1 of 6 ready, 1 failed, 1 done · only db ────────────────────────── ? keys · q quit ──
 1 ● auth     ready     http://localhost:23118   120 ms   1 min
 2 ○ catalog  waiting   http://localhost:23119                   needs db
▸3 ◐ db       starting  http://localhost:5432               3 s  ↻2  nothing listens on port 5432 yet
 4 ✗ mailer   failed                                             exited with status 3
 5 ✓ migrate  done
 6 ↻ worker   backoff                                       3 h  exited with status 1; restarting in 2 s
`},
			{terminal.Size{Rows: 12, Columns: 60}, `
── shop/fix: 1 of 6 ready, 1 failed, 1 done · only db ─────
 2 ○ catalog  waiting   http://localhost:23119  needs db
▸3 ◐ db       starting  http://localhost:5432   ↻2  nothing listens on port 5432 yet
     +4 more, 1 failed
`},
		} {
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), drawn(m, test.size)); diff != "" {
				t.Errorf("%v: want -, got +\n%s", test.size, diff)
			}
		}
	})
}

// The rows change when an age does, and not before.
func TestNextAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		all := []launcher.Status{{Service: "a", Since: time.Now()}, {Service: "b"}}
		time.Sleep(400 * time.Millisecond)
		for _, want := range []string{"0 s", "1 s", "2 s"} {
			if got := age(all[0], time.Now()); got != want {
				t.Errorf("after %v it says %s, want %s", time.Since(all[0].Since), got, want)
			}
			next := nextAge(all, time.Now())
			if now := age(all[0], time.Now().Add(next-1)); now != want {
				t.Errorf("it says %s %v earlier than announced", now, next)
			}
			time.Sleep(next)
		}
		time.Sleep(time.Hour)
		if next := nextAge(all, time.Now()); next < 50*time.Minute {
			t.Errorf("after an hour it is drawn again in %v", next)
		}
		if next := nextAge(all[1:], time.Now()); next != 0 {
			t.Errorf("nothing runs, and it is drawn again in %v", next)
		}
	})
}

// Every state has its own shape.
func TestMarks(t *testing.T) {
	shapes := map[string]launcher.State{}
	for state, mark := range marks {
		if other, taken := shapes[mark.shape]; taken {
			t.Errorf("%s and %s look alike", state, other)
		}
		if shapes[mark.shape] = state; screen.Width(mark.shape) != 1 {
			t.Errorf("%s is %d columns wide", mark.shape, screen.Width(mark.shape))
		}
	}
}

// Only a run that continues without the view can be left.
func TestLeave(t *testing.T) {
	m, do := model{services: statuses("a", "b")}.press("d")
	if do != cmdNothing || !strings.Contains(m.notice, "not started with -d") {
		t.Errorf("in the foreground: %d, %q", do, m.notice)
	}
	if _, do := (model{leaves: true, services: statuses("a", "b")}).press("d"); do != cmdLeave {
		t.Errorf("in the background: %d", do)
	}
}
