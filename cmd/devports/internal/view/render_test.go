package view

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// drawn renders a model as text.
func drawn(m model, size terminal.Size) string {
	rows, _ := m.rows(size, time.Now(), nil)
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
		{Service: "api", State: launcher.StateReady, Port: 23118, Address: "http://localhost:23118", Build: launcher.BuildFailure, Detail: "build failed: exited with status 2"},
		{Service: "auth", State: launcher.StateReady, Port: 23119, Address: "http://localhost:23119", Build: launcher.BuildRunning},
		{Service: "web", State: launcher.StateFailed, Build: launcher.BuildFailure, Detail: "build failed: exited with status 1"},
	}}
	const want = `── shop: 2 ready, 1 failed ───────────────────────────────────────────────────── ? keys · q quit ──
 1 ● api   ready (build failed)  http://localhost:23118  build failed: exited with status 2
 3 ✗ web   failed                                        build failed: exited with status 1
 2 ● auth  ready (building)      http://localhost:23119
`
	if diff := cmp.Diff(want, drawn(m, terminal.Size{Rows: 30, Columns: 100})); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
		m := model{title: "shop/fix", picked: "db", services: []launcher.Status{
			{Service: "auth", State: launcher.StateReady, Port: 23118, Address: "http://localhost:23118", PID: 1, Since: ago(70 * time.Second), ReadyMS: 120.5},
			{Service: "catalog", State: launcher.StateWaiting, Port: 23119, Address: "http://localhost:23119", Detail: "waits for db"},
			{Service: "db", State: launcher.StateStarting, Port: 5432, Address: "http://localhost:5432", PID: 2, Since: ago(3 * time.Second), Restarts: 2, Detail: "nothing listens on port 5432 yet"},
			{Service: "mailer", State: launcher.StateFailed, Detail: "exited with status 3"},
			{Service: "migrate", State: launcher.StateDone},
			{Service: "worker", State: launcher.StateBackoff, Exit: "exited with status 1", Detail: "exited with status 1; restarting in 8 s", RestartAt: time.Now().Add(1500 * time.Millisecond)},
		}}
		for _, test := range []struct {
			size terminal.Size
			want string
		}{
			{terminal.Size{Rows: 30, Columns: 100}, `
── shop/fix: 1 ready, 1 failed, 2 starting, 1 restarting, 1 done · only db ───── ? keys · q quit ──
 4 ✗ mailer   failed                                                    exited with status 3
 1 ● auth     ready     http://localhost:23118  after 120 ms  up 1 min
 2 ○ catalog  waiting   http://localhost:23119                          waits for db
▸3 ◐ db       starting  http://localhost:5432                   up 3 s  ↻2  nothing listens on port 5432 yet
 5 ✓ migrate  done
 6 ↻ worker   backoff                                                   restarting in 2 s: exited with status 1
`},
			{terminal.Size{Rows: 12, Columns: 60}, `
── shop/fix: 1 ready, 1 failed, 4 other · only db ─────────
 4 ✗ mailer  failed    exited with status 3
▸3 ◐ db      starting  :5432  ↻2  nothing listens on port 5432 yet
     +4 more
`},
			{terminal.Size{Rows: 24, Columns: 40}, `
── 1 ready, 1 failed, 4 other · only db
 4 ✗ mailer   failed    exited with status 3
 1 ● auth     ready     :23118
 2 ○ catalog  waiting   :23119  waits for db
▸3 ◐ db       starting  :5432   ↻2  nothing listens on port 5432 yet
 5 ✓ migrate  done
 6 ↻ worker   backoff   restarting in 2 s: exited with status 1
`},
			{terminal.Size{Rows: 24, Columns: 20}, `
── 1 ready, 1 failed, 4 other · only db
 4 ✗ ma…er  exited with status 3
 1 ● auth   :23118
 2 ○ ca…og  :23119  waits for db
▸3 ◐ db     :5432   ↻2  nothing listens on port 5432 yet
 5 ✓ mi…te
 6 ↻ wo…er  restarting in 2 s: exited with status 1
`},
		} {
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), drawn(m, test.size)); diff != "" {
				t.Errorf("%v: want -, got +\n%s", test.size, diff)
			}
		}
	})
}

// Names get a quarter of the width at most, and lose their middle; an address
// that does not fit is only a port.
func TestColumns(t *testing.T) {
	long := strings.Repeat("abcdefghi-", 6)
	m := model{title: "shop", services: []launcher.Status{
		{Service: long + "a", State: launcher.StateReady, Port: 23118, Address: "http://localhost:23118"},
		{Service: "漢字漢字漢字漢字漢字漢字漢字", State: launcher.StateReady, Port: 5, Address: "http://localhost:5"},
	}}
	for _, test := range []struct {
		columns int
		want    string
	}{
		{200, " 1 ● abcdefghi-abcdefghi-abcde…hi-abcdefghi-abcdefghi-a  ready     http://localhost:23118\n" +
			" 2 ● 漢字漢字漢字漢字漢字漢字漢字                        ready     http://localhost:5\n"},
		{60, " 1 ● abcdefg…efghi-a  ready     http://localhost:23118\n 2 ● 漢字漢…漢字漢字  ready     http://localhost:5\n"},
		{40, " 1 ● abcde…hi-a  ready     :23118\n 2 ● 漢字…漢字   ready     :5\n"},
	} {
		if _, got, _ := strings.Cut(drawn(m, terminal.Size{Rows: 24, Columns: test.columns}), "\n"); got != test.want {
			t.Errorf("%d columns:\n%s, want\n%s", test.columns, got, test.want)
		}
	}
}

// Of 30 services, rows show the failed ones and the picked one first, or the
// last row names them.
func TestVisible(t *testing.T) {
	for _, test := range []struct {
		rows   int
		failed int // the last ones
		picked string
		want   string // the names, and the last row
	}{
		{24, 0, "", "a b c d e f +24 more"},
		{24, 2, "", "C D a b c d +24 more"},
		{24, 2, "q", "C D n o p q +24 more"},
		{24, 8, "", "w x y z A B C D +22 more"},
		{24, 9, "", "v w x y z A B C D +21 more"},
		{24, 11, "", "t u v w x y z A B C +20 more, 1 failed: D"},
		{12, 30, "", "a b c d +26 more, 26 failed: e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, A, B, C, D"},
		{12, 2, "q", "C D q +27 more"},
		{12, 4, "f", "A B C f +26 more, 1 failed: D"},
		{100, 0, "", "a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D"},
	} {
		m := model{picked: test.picked}
		for i, name := range "abcdefghijklmnopqrstuvwxyzABCD" {
			st := launcher.Status{Service: string(name), State: launcher.StateReady}
			if i >= 30-test.failed {
				st.State = launcher.StateFailed
			}
			m.services = append(m.services, st)
		}
		var words []string
		for _, row := range m.serviceRows(terminal.Size{Rows: test.rows, Columns: 80}, time.Now(), palette.Palette{}) {
			if len(row) >= 4 {
				words = append(words, strings.TrimSpace(row[2].Text))
				continue
			}
			for _, s := range row {
				words = append(words, strings.TrimSpace(s.Text))
			}
		}
		if got := strings.ReplaceAll(strings.Join(words, " "), " ,", ","); got != test.want {
			t.Errorf("%d rows, %d failed, %q picked: %s, want %s", test.rows, test.failed, test.picked, got, test.want)
		}
	}
}

// The question and the prompt fit narrow terminals.
func TestHeader(t *testing.T) {
	for _, test := range []struct {
		m     model
		width int
		want  string
	}{
		{model{asking: true, services: statuses("a", "b")}, 80, "── stop 2 services and quit? q, Enter or y: stop · any other key: cancel ──"},
		{model{asking: true, services: statuses("a", "b")}, 60, "── stop 2 services? q, Enter, y: yes · others: cancel"},
		{model{asking: true, services: statuses("a")}, 20, "stop 1? q: yes"},
		{model{asking: true, quitting: true, services: statuses("a")}, 30, "kill 1 service? q: yes"},
		{model{asking: true, leaves: true, services: statuses("a", "b")}, 80, "── stop 2 services? q, Enter or y: stop · d: leave running · others: cancel ──"},
		{model{asking: true, leaves: true, services: statuses("a", "b")}, 60, "stop 2 services? q, Enter, y: yes · d: leave · others: no"},
		{model{prompt: promptGo, services: statuses("web", "api", "web-admin")}, 80, "go to:    a service's first letters: Enter picks it, Esc cancels"},
		{model{prompt: promptGo, input: "w", services: statuses("web", "api", "web-admin")}, 80, "go to: w   Enter: web, web-admin"},
		{model{prompt: promptGo, input: "A", services: statuses("web", "api", "web-admin")}, 80, "go to: A   Enter: api, web-admin"},
		{model{prompt: promptGo, input: "x", services: statuses("web")}, 80, "go to: x   no such service"},
		{model{notice: "pick a service first", services: statuses("web")}, 24, "── pick a service first"},
		{model{title: "a-project-with-a-long-name", services: statuses("web")}, 40, "── a-proj…g-name: 1 ready ──── ? keys ──"},
	} {
		row, _ := test.m.header(test.width, palette.Palette{})
		var got strings.Builder
		for _, s := range row {
			got.WriteString(s.Text)
		}
		if got.String() != test.want {
			t.Errorf("%q, want %q", got.String(), test.want)
		}
	}
}

// The rows change when an age does, and not before.
func TestNextChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		all := []launcher.Status{{Service: "a", Since: time.Now()}, {Service: "b"}}
		time.Sleep(400 * time.Millisecond)
		for _, want := range []string{"up 0 s", "up 1 s", "up 2 s"} {
			if got := age(all[0], time.Now()); got != want {
				t.Errorf("after %v it says %s, want %s", time.Since(all[0].Since), got, want)
			}
			next := nextChange(all, time.Now())
			if now := age(all[0], time.Now().Add(next-1)); now != want {
				t.Errorf("it says %s %v earlier than announced", now, next)
			}
			time.Sleep(next)
		}
		restart := []launcher.Status{{Service: "c", State: launcher.StateBackoff, Exit: "exited with status 1", RestartAt: time.Now().Add(2500 * time.Millisecond)}}
		for _, want := range []string{"3 s", "2 s", "1 s"} {
			if got := detailOf(restart[0], time.Now()); got != "restarting in "+want+": exited with status 1" {
				t.Errorf("%q, want %s", got, want)
			}
			time.Sleep(nextChange(restart, time.Now()))
		}
		if next := nextChange(restart, time.Now()); next != 0 {
			t.Errorf("after the countdown, it is drawn again in %v", next)
		}
		time.Sleep(time.Hour)
		if next := nextChange(all, time.Now()); next < 50*time.Minute {
			t.Errorf("after an hour it is drawn again in %v", next)
		}
		if next := nextChange(all[1:], time.Now()); next != 0 {
			t.Errorf("nothing runs, and it is drawn again in %v", next)
		}
	})
}

// Every state has its own shape.
func TestShapes(t *testing.T) {
	seen := map[string]launcher.State{}
	for state, shape := range shapes {
		if other, taken := seen[shape]; taken {
			t.Errorf("%s and %s look alike", state, other)
		}
		if seen[shape] = state; screen.Width(shape) != 1 {
			t.Errorf("%s is %d columns wide", shape, screen.Width(shape))
		}
	}
}
