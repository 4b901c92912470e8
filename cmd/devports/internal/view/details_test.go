package view

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/terminal"
)

func TestMasked(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"PATH", "/bin", "/bin"},
		{"DB_PASSWORD", "x", mask},
		{"PASS", "x", mask},
		{"db_pass", "x", mask},
		{"COMPASS", "x", "x"},
		{"API_KEY", "x", mask},
		{"KEYBOARD", "x", "x"},
		{"GITHUB_TOKEN", "x", mask},
		{"AWS_SECRET_ACCESS_KEY", "x", mask},
		{"SESSION_SECRET", "", ""},
		{"PWD", "/src", "/src"},
		{"PORT_AUTH", "16504", "16504"},
		{"SSH_AUTH_SOCK", "/tmp/ssh", "/tmp/ssh"},
		{"DATABASE_URL", "postgres://app:hunter2@localhost:5432/app?x=y", "postgres://app:" + mask + "@localhost:5432/app?x=y"},
		{"REDIS_URL", "redis://:hunter2@localhost/0", "redis://:" + mask + "@localhost/0"},
		{"URL", "http://localhost:80/a:b@c", "http://localhost:80/a:b@c"},
		{"SENTRY_DSN", "https://abc@sentry.io/1", mask},
	} {
		if got := masked(test.name, test.value); got != test.want {
			t.Errorf("%s=%s: %s, want %s", test.name, test.value, got, test.want)
		}
	}
}

func TestPanel(t *testing.T) {
	now := time.Now()
	status := 3
	web := launcher.Details{
		Status: launcher.Status{
			Service: "web", State: launcher.StateReady, PID: 100, Port: 16504, Address: "http://localhost:16504", Since: now.Add(-2 * time.Minute), ReadyMS: 410, Restarts: 1, DependsOn: []string{"api", "db"},
		},
		Command: "npm run dev -- --host localhost --strictPort --open false", Directory: "/src/shop/web",
		Environment: []string{"A=1", "DB_PASSWORD=x", "HOME=/root", "PATH=/bin"},
		PIDs:        []int{100, 101, 102}, CPUMS: 1000, Memory: 150_000_000, At: now.Add(-time.Second),
	}
	m := model{title: "shop", picked: "web", services: []launcher.Status{web.Status}}
	m, do := m.press("i")
	if do != cmdInspect {
		t.Errorf("i asks for %d", do)
	}
	m = m.inspected(web)
	later := web
	later.At, later.CPUMS = now, 1250
	m = m.inspected(later)
	check := func(size terminal.Size, want string) {
		t.Helper()
		if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), drawn(m, size)); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	}
	check(terminal.Size{Rows: 24, Columns: 80}, `
── shop: 1 ready · only web ────────────── e environment · i closes · q quit ──
 state      ready, after 410 ms, up 2 min, restarted 1×
 address    http://localhost:16504
 command    npm run dev -- --host localhost --strictPort --open false
 directory  /src/shop/web
 pid        100, with 101 and 102
 CPU        25 % of a core, 1.2 s so far
 memory     150.0 MB
 depends on api and db
`)
	check(terminal.Size{Rows: 12, Columns: 40}, `
── shop: 1 ready · only web ───────────
 state      ready, after 410 ms, up 2
            min, restarted 1×
 address    http://localhost:16504
 command    npm run dev -- --host
            localhost --strictPort
            --open false
 directory  /src/shop/web
 pid        100, with 101 and 102
 CPU        25 % of a core, 1.2 s so
`)
	m, _ = m.press("e")
	check(terminal.Size{Rows: 24, Columns: 80}, `
── shop: 1 ready · only web ────────────── e environment · i closes · q quit ──
 A=1
 DB_PASSWORD=••••••
 HOME=/root
 PATH=/bin
 1-4 of 4 variables · e shows masked values · i details · Esc closes
`)
	m, _ = m.press("e")
	check(terminal.Size{Rows: 24, Columns: 40}, `
── shop: 1 ready · only web ───────────
 A=1
 DB_PASSWORD=x
 HOME=/root
 PATH=/bin
 1-4 of 4 variables · e masks secrets · i details · Esc closes
`)
	m.details.Environment = strings.Fields(strings.Repeat("X=1 ", 20) + "Y=2")
	m.size = terminal.Size{Rows: 10, Columns: 80}
	for range 30 {
		m, _ = m.press(keyDown)
	}
	m, _ = m.press(keyUp)
	check(terminal.Size{Rows: 10, Columns: 80}, `
── shop: 1 ready · only web ────────────── e environment · i closes · q quit ──
 X=1
 X=1
 X=1
 X=1
 X=1
 X=1
 15-20 of 21 variables · ↑ ↓ scroll · e masks secrets · i details · Esc closes
`)
	m, do = m.press(keyEscape)
	if m.panel != panelNone || m.picked != "web" || do != cmdNothing {
		t.Errorf("Esc leaves panel %d, picks %q and asks for %d", m.panel, m.picked, do)
	}
	if m, _ = m.press("e"); m.revealed {
		t.Error("opened again, the values are shown")
	}

	// An exit status that the words do not name is added.
	ended := launcher.Details{Status: launcher.Status{Exit: "was killed (KILL)"}, ExitStatus: &status}
	if got := exitOf(ended); got != "was killed (KILL) (status 3)" {
		t.Error(got)
	}
	// Without a service that was picked there is nothing to show.
	m = model{services: statuses("a", "b")}
	if m, do = m.press("i"); m.panel != panelNone || do != cmdNothing || m.notice != pickFirst {
		t.Errorf("panel %d, command %d, %q", m.panel, do, m.notice)
	}
}
