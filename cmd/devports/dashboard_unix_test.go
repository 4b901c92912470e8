//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// board is a browser that is signed in to the dashboard.
type board struct {
	*frontHome
	client *http.Client
	origin string
	token  string
	cookie string
}

// boardState is the part of the dashboard's state that tests read.
type boardState struct {
	Checkouts []struct {
		ID, Project, Worktree, Branch, Ended string
		Running                              bool
		PID                                  int
		Services                             []struct {
			Name, State, Label, Detail string
			PID                        int
			Memory                     int64
			CPU                        *float64
		}
	}
	Points []struct {
		Port     int
		Checkout string
		Service  string
		State    string
	}
}

// boardLine is a line of the dashboard.
type boardLine struct {
	Cursor  string `json:"c"`
	Time    int64  `json:"t"`
	Service string `json:"s"`
	Parts   []any  `json:"p"`
	Cut     int    `json:"cut"`
	Gap     int64  `json:"gap"`
	Run     string `json:"run"`
}

func (l boardLine) text() string {
	var b strings.Builder
	for _, p := range l.Parts {
		if list, ok := p.([]any); ok {
			p = list[0]
		}
		b.WriteString(p.(string))
	}
	return b.String()
}

type boardMessage struct {
	State   *boardState
	Follow  int
	Lines   []boardLine
	Skipped int64
	Start   bool
	Error   string
}

func (h *frontHome) board() *board {
	h.t.Helper()
	link, err := h.devports(h.t.TempDir(), "dashboard", "--print")
	if err != nil {
		h.t.Fatal(err)
	}
	origin, token, ok := strings.Cut(strings.TrimSpace(link), "/#token=")
	if want := fmt.Sprintf("http://devports.localhost:%d", h.port); !ok || origin != want {
		h.t.Fatalf("the link is %s", link)
	}
	b := &board{frontHome: h, client: h.client(), origin: origin, token: token}
	response, text := b.send("POST", "/api/session", map[string]string{"token": token}, nil)
	if response.StatusCode != http.StatusNoContent {
		h.t.Fatalf("signing in: %d %s", response.StatusCode, text)
	}
	c := response.Cookies()[0]
	if c.Name != "__Host-devports" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 30*24*60*60 {
		h.t.Errorf("the cookie is %s", c.Raw)
	}
	b.cookie = c.Name + "=" + c.Value
	return b
}

// send sends a request like the page does; edit may change it.
func (b *board) send(method, path string, body any, edit func(*http.Request)) (*http.Response, string) {
	b.t.Helper()
	text, _ := json.Marshal(body)
	r, err := http.NewRequest(method, b.origin+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	if method == "POST" {
		r.Header.Set("Origin", b.origin)
		r.Header.Set("Content-Type", "application/json")
	}
	if edit != nil {
		edit(r)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response, string(answer)
}

func (b *board) state() (s boardState) {
	b.t.Helper()
	response, text := b.send("GET", "/api/state", nil, nil)
	if err := json.Unmarshal([]byte(text), &s); err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%d %s", response.StatusCode, text)
	}
	return s
}

// post sends a command that succeeds.
func (b *board) post(path string, body any) {
	b.t.Helper()
	if response, text := b.send("POST", path, body, nil); response.StatusCode != http.StatusNoContent {
		b.t.Fatalf("%s: %d %s", path, response.StatusCode, text)
	}
}

// lines returns the lines of a query.
func (b *board) lines(query string) (lines []boardLine, start, end bool) {
	b.t.Helper()
	response, text := b.send("GET", "/api/lines?"+query, nil, nil)
	var p struct {
		Lines      []boardLine
		Start, End bool
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil || response.StatusCode != http.StatusOK || p.Lines == nil {
		b.t.Fatalf("%s: %d %s", query, response.StatusCode, text)
	}
	return p.Lines, p.Start, p.End
}

// boardStream is the stream of a page.
type boardStream struct {
	t    testing.TB
	conn *websocket.Conn
}

func (b *board) stream(follow map[string]any) *boardStream {
	b.t.Helper()
	header := http.Header{"Origin": {b.origin}, "Cookie": {b.cookie}}
	conn, _, err := websocket.Dial(b.t.Context(), strings.Replace(b.origin, "http", "ws", 1)+"/api/stream", &websocket.DialOptions{HTTPClient: b.client, HTTPHeader: header})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	s := &boardStream{b.t, conn}
	if follow != nil {
		s.follow(follow)
	}
	return s
}

func (s *boardStream) follow(follow map[string]any) {
	s.t.Helper()
	text, _ := json.Marshal(map[string]any{"follow": follow})
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, text); err != nil {
		s.t.Fatal(err)
	}
}

// await reads messages until one is wanted.
func (s *boardStream) await(what string, wanted func(boardMessage) bool) boardMessage {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var last string
	for {
		_, text, err := s.conn.Read(ctx)
		if err != nil {
			s.t.Fatalf("%s: %v; the last message: %s", what, err, last)
		}
		var m boardMessage
		if err := json.Unmarshal(text, &m); err != nil {
			s.t.Fatalf("%v: %s", err, text)
		}
		if wanted(m) {
			return m
		}
		last = string(text[:min(len(text), 2000)])
	}
}

// awaitState reads messages until a service has a state, and returns its pid.
func (s *boardStream) awaitState(checkout, service, state string, pidNot int) (pid int) {
	s.t.Helper()
	s.await(checkout+" "+service+" "+state, func(m boardMessage) bool {
		if m.State == nil {
			return false
		}
		for _, c := range m.State.Checkouts {
			for _, sv := range c.Services {
				if c.ID == checkout && sv.Name == service && sv.State == state && (pidNot == 0 || sv.PID != pidNot) {
					pid = sv.PID
					return c.Running
				}
			}
		}
		return false
	})
	return pid
}

// Requests that the page did not send are refused, and nothing is done.
func TestDashboardRefuses(t *testing.T) {
	h := newFrontHome(t)
	h.up(h.checkout("shop", "project = \"shop\"\n[services]\nweb = \"echo secret; exec serve\"\n"))
	b := h.board()
	state := func() string {
		s := b.state()
		return fmt.Sprint(s.Checkouts[0].Services[0].PID, s.Checkouts[0].Services[0].State, s.Points)
	}
	before := state()
	restart := map[string]any{"checkout": "shop", "services": []string{}}
	stream := func(r *http.Request) {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(name, value)
			if value == "" {
				r.Header.Del(name)
			}
		}
	}
	all := func(edits ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, edit := range edits {
				edit(r)
			}
		}
	}
	host := func(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }
	own := b.origin
	wrong := strings.Repeat("A", 43)
	expired := "__Host-devports=1." + strings.Repeat("A", 43)
	point := map[string]any{"port": 3000, "checkout": "shop", "service": "web"}
	for _, tt := range []struct {
		name, method, path string
		body               any
		edit               func(*http.Request)
		status             int
	}{
		{"no cookie", "GET", "/api/state", nil, set("Cookie", ""), 401},
		{"no cookie, lines", "GET", "/api/lines?checkout=shop", nil, set("Cookie", ""), 401},
		{"no cookie, restart", "POST", "/api/restart", restart, set("Cookie", ""), 401},
		{"no cookie, stream", "GET", "/api/stream", nil, all(stream, set("Origin", own), set("Cookie", "")), 401},
		{"a wrong cookie", "POST", "/api/restart", restart, set("Cookie", expired), 401},
		{"the token as a cookie", "POST", "/api/restart", restart, set("Cookie", "__Host-devports="+b.token), 401},
		{"the cookie of later", "POST", "/api/restart", restart, set("Cookie", strings.Replace(b.cookie, "=1", "=2", 1)), 401},
		{"the token as a password", "GET", "/api/state", nil, all(set("Cookie", ""), set("Authorization", "Bearer "+b.token)), 401},
		{"a wrong token", "POST", "/api/session", map[string]string{"token": wrong}, nil, 403},
		{"no token", "POST", "/api/session", map[string]string{"token": ""}, nil, 403},
		{"the token, of another origin", "POST", "/api/session", map[string]string{"token": b.token}, set("Origin", "http://web.shop.localhost:1"), 403},
		{"another origin", "POST", "/api/restart", restart, all(set("Origin", "http://evil.example"), set("Sec-Fetch-Site", "cross-site")), 403},
		{"another origin, without Sec-Fetch-Site", "POST", "/api/restart", restart, all(set("Origin", "http://evil.example"), set("Sec-Fetch-Site", "")), 403},
		{"another port", "POST", "/api/restart", restart, all(set("Origin", "http://devports.localhost:1"), set("Sec-Fetch-Site", "same-site")), 403},
		{"the origin null", "POST", "/api/restart", restart, set("Origin", "null"), 403},
		{"no origin", "POST", "/api/restart", restart, set("Origin", ""), 403},
		{"no origin at all", "GET", "/api/state", nil, set("Sec-Fetch-Site", ""), 403},
		{"a link", "GET", "/api/state", nil, set("Sec-Fetch-Site", "cross-site"), 403},
		{"typed", "GET", "/api/state", nil, set("Sec-Fetch-Site", "none"), 403},
		{"a service", "GET", "/api/lines?checkout=shop", nil, set("Sec-Fetch-Site", "same-site"), 403},
		{"a form", "POST", "/api/restart", restart, set("Content-Type", "text/plain"), 415},
		{"a form of JSON", "POST", "/api/restart", restart, set("Content-Type", "text/plain; x=application/json"), 415},
		{"no type", "POST", "/api/restart", restart, set("Content-Type", ""), 415},
		{"a point by a form", "POST", "/api/point", point, set("Content-Type", "text/plain"), 415},
		{"rebinding", "POST", "/api/restart", restart, host("evil.example"), 404},
		{"the address", "POST", "/api/restart", restart, host(fmt.Sprintf("127.0.0.1:%d", h.port)), 404},
		{"localhost", "GET", "/api/state", nil, host(fmt.Sprintf("localhost:%d", h.port)), 404},
		{"another port of the host", "POST", "/api/restart", restart, host("devports.localhost:1"), 403},
		{"no port", "POST", "/api/restart", restart, host("devports.localhost"), 403},
		{"GET", "GET", "/api/restart?checkout=shop", nil, nil, 405},
		{"stream of another origin", "GET", "/api/stream", nil, all(stream, set("Origin", "http://evil.example"), set("Sec-Fetch-Site", "")), 403},
		{"stream of a service", "GET", "/api/stream", nil, all(stream, set("Origin", fmt.Sprintf("http://web.shop.localhost:%d", h.port)), set("Sec-Fetch-Site", "")), 403},
		{"stream without origin", "GET", "/api/stream", nil, stream, 403},
		{"an unknown key", "POST", "/api/restart", map[string]any{"checkout": "shop", "service": "web"}, nil, 400},
		{"another checkout", "POST", "/api/restart", map[string]any{"checkout": "nosuch"}, nil, 404},
		{"another service", "POST", "/api/restart", map[string]any{"checkout": "shop", "services": []string{"nosuch"}}, nil, 409},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, text := b.send(tt.method, tt.path, tt.body, tt.edit)
			if response.StatusCode != tt.status || strings.Contains(text, "secret") || len(response.Cookies()) > 0 {
				t.Errorf("%d %s", response.StatusCode, text)
			}
		})
	}
	t.Run("another user", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		request := fmt.Sprintf("GET /api/state HTTP/1.1\r\nHost: devports.localhost:%d\r\nSec-Fetch-Site: same-origin\r\nCookie: %s\r\nConnection: close\r\n\r\n", h.port, b.cookie)
		cmd := exec.Command("bash", "-c", fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%d && printf %%s "$0" >&3 && cat <&3`, h.port), request)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 403 ") {
			t.Errorf("%v: %s", err, out)
		}
	})
	if after := state(); after != before {
		t.Errorf("it was %s, and is %s", before, after)
	}
	response, _ := b.send("GET", "/", nil, func(r *http.Request) {
		r.Header.Set("Accept", "text/html")
		r.Header.Del("Cookie")
	})
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := response.Header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q", name, got)
		}
	}
	policy := response.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	b.post("/api/restart", restart) // which works
	pid := fmt.Sprint(b.state().Checkouts[0].Services[0].PID)
	if strings.HasPrefix(before, pid+" ") {
		t.Error("it has not been restarted")
	}

	// The token is for this user only. Another one signs all browsers out.
	path := filepath.Join(boardHome(h), "run", "dashboard-token")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if response, _ := b.send("GET", "/api/state", nil, nil); response.StatusCode != 401 {
		t.Errorf("without its token: %d", response.StatusCode)
	}
	if response, _ := b.send("POST", "/api/session", map[string]string{"token": b.token}, nil); response.StatusCode != 403 {
		t.Errorf("with the earlier token: %d", response.StatusCode)
	}
	h.board()
}

func boardHome(h *frontHome) string {
	for _, variable := range h.env {
		if home, ok := strings.CutPrefix(variable, "DEVPORTS_HOME="); ok {
			return home
		}
	}
	return ""
}

// What services print is text.
func TestDashboardHostileText(t *testing.T) {
	h := newFrontHome(t)
	dir := h.checkout("<b>shop", `project = "<img src=x onerror=alert(1)>"
[services]
web = '''printf '<script>alert(1)</script>\n\033[31mred\033[0m\n\342\200\256evil\nnul\000\007bad\377\n\033]0;title\007\033[2Jclear\n'; head -c 1000000 /dev/zero | tr '\0' x; echo; exec serve'''
`)
	if out, err := exec.Command("sh", "-ec", `cd "$0"; git init -q -b '<script>'; git add .; git -c user.name=a -c user.email=a commit -q -m x`, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.up(dir)
	b := h.board()
	s := b.state()
	if c := s.Checkouts[0]; c.Project != "<img src=x onerror=alert(1)>" || c.Branch != "<script>" || strings.ContainsAny(c.ID, "<> ") {
		t.Errorf("%+v", c)
	}
	lines, start, end := b.lines("checkout=" + url.QueryEscape(s.Checkouts[0].ID) + "&service=web")
	if !start || !end {
		t.Errorf("start %t, end %t", start, end)
	}
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text())
	}
	texts = texts[:min(6, len(texts))] // then it listens
	want := []string{"<script>alert(1)</script>", "red", "\u202eevil", `nulbad\xff`, "clear", strings.Repeat("x", 20<<10)}
	if !slices.Equal(texts, want) {
		for i, text := range texts {
			t.Errorf("%d bytes, cut %d: %.100q", len(text), lines[i].Cut, text)
		}
	}
	if parts, ok := lines[1].Parts[0].([]any); !ok || parts[1] != "f1" {
		t.Errorf("%v", lines[1].Parts)
	}
	if cut := lines[5].Cut; cut != 1000000-20<<10 {
		t.Errorf("%d bytes are left out", cut)
	}
}

// Lines of two checkouts with the same services are never mixed, also while a page
// switches between them.
func TestDashboardCheckouts(t *testing.T) {
	h := newFrontHome(t)
	for _, name := range []string{"shop", "blog"} {
		h.up(h.checkout(name, fmt.Sprintf("project = %[1]q\n[services]\nweb = { command = 'while :; do echo %[1]s; sleep 0.01; done', port = false }\n", name)))
	}
	b := h.board()
	s := b.stream(nil)
	for id := 1; id <= 20; id++ {
		name := []string{"shop", "blog"}[id%2]
		s.follow(map[string]any{"id": id, "checkout": name, "services": []string{"web"}})
		got := 0
		s.await(name, func(m boardMessage) bool {
			if m.State != nil || m.Follow < id {
				return false
			}
			for _, l := range m.Lines {
				if l.text() != name || m.Follow != id {
					t.Fatalf("%d: %+v", m.Follow, l)
				}
				got++
			}
			return got > 0
		})
	}
	for _, name := range []string{"shop", "blog"} {
		lines, _, _ := b.lines("checkout=" + name + "&service=web")
		for _, l := range lines {
			if l.text() != name {
				t.Fatalf("%+v", l)
			}
		}
	}
}

// The page sees what happens to runs and to the front, and may change it.
func TestDashboardActions(t *testing.T) {
	h := newFrontHome(t)
	dir := h.checkout("shop", "project = \"shop\"\n[services]\nweb = \"echo hello; exec serve\"\n")
	b := h.board() // before anything runs
	s := b.stream(map[string]any{"id": 1, "checkout": "shop"})
	s.await("no checkouts", func(m boardMessage) bool { return m.State != nil && len(m.State.Checkouts) == 0 })
	h.up(dir)
	first := s.awaitState("shop", "web", "ready", 0)
	s.await("its memory", func(m boardMessage) bool {
		return m.State != nil && m.State.Checkouts[0].Services[0].Memory > 0 && m.State.Checkouts[0].Services[0].CPU != nil
	})

	began := time.Now()
	web := map[string]any{"checkout": "shop", "services": []string{"web"}}
	b.post("/api/restart", web)
	second := s.awaitState("shop", "web", "ready", first)
	t.Logf("its new process is ready after %v", time.Since(began))
	b.post("/api/stop", web)
	s.awaitState("shop", "web", "stopped", 0)
	b.post("/api/start", web)
	s.awaitState("shop", "web", "ready", second)
	port := unusedPort(t)
	b.post("/api/point", map[string]any{"port": port, "checkout": "shop", "service": "web"})
	s.await("the point", func(m boardMessage) bool {
		return m.State != nil && len(m.State.Points) == 1 && m.State.Points[0].Port == port && m.State.Points[0].Checkout == "shop" && m.State.Points[0].State == "ready"
	})
	if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port)); err != nil {
		t.Errorf("the point: %v, %v", response, err)
	}
	b.post("/api/point", map[string]any{"port": port, "off": true})
	s.await("no point", func(m boardMessage) bool { return m.State != nil && len(m.State.Points) == 0 })

	// The run is killed.
	pid := b.state().Checkouts[0].PID
	began = time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.await("gone", func(m boardMessage) bool {
		return m.State != nil && !m.State.Checkouts[0].Running && strings.Contains(m.State.Checkouts[0].Ended, "was killed")
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it is gone after %v", took)
	}
	lines, _, _ := b.lines("checkout=shop&service=web&grep=HELLO|hello")
	if len(lines) < 3 || lines[0].text() != "hello" || lines[len(lines)-1].Run == "" {
		t.Errorf("its log: %+v", lines)
	}
	if response, text := b.send("POST", "/api/restart", web, nil); response.StatusCode != http.StatusConflict || !strings.Contains(text, "shop is not running") || !strings.Contains(text, "devports up -d") {
		t.Errorf("%d %s", response.StatusCode, text)
	}
	h.up(dir)
	s.awaitState("shop", "web", "ready", 0)

	// The front is killed; the next one accepts the cookie.
	note, _ := os.ReadFile(filepath.Join(boardHome(h), "run", "front", "lock"))
	var front struct{ PID int }
	if err := json.Unmarshal(note[max(0, bytes.IndexByte(note, '{')):], &front); err != nil || front.PID == 0 {
		t.Fatalf("%v: %s", err, note)
	}
	if err := syscall.Kill(front.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.conn.Read(t.Context()); err == nil {
		for err == nil {
			_, _, err = s.conn.Read(t.Context())
		}
	}
	h.await(b.client, b.origin+"/")
	b.stream(nil).awaitState("shop", "web", "ready", 0)
}

// A flood costs a page at most 1,000 lines a second; the others are counted. At a
// lower rate, there is every line, soon.
func TestDashboardLines(t *testing.T) {
	h := newFrontHome(t)
	dir := h.checkout("shop", `project = "shop"
[services]
slow = { command = 'i=0; while :; do i=$((i+1)); date +"$i %s%N"; sleep 0.02; done', port = false }
flood = { command = 'while ! [ -e go ]; do sleep 0.01; done; seq 999000; sleep 3; seq 999001 1000000; echo end; exec sleep 1000', port = false }
`)
	h.up(dir)
	b := h.board()
	s := b.stream(map[string]any{"id": 1, "checkout": "shop", "services": []string{"slow"}})
	var latencies []time.Duration
	var median time.Duration // of the last 100
	next := 0
	s.await("100 lines", func(m boardMessage) bool {
		now := time.Now().UnixNano()
		if m.Skipped != 0 {
			t.Errorf("%d lines are left out", m.Skipped)
		}
		for i, l := range m.Lines {
			var number int
			var at int64
			if _, err := fmt.Sscan(l.text(), &number, &at); err != nil || next != 0 && number != next {
				t.Fatalf("%q after %d: %v", l.text(), next, err)
			}
			if next = number + 1; !m.Start && i == len(m.Lines)-1 {
				latencies = append(latencies, time.Duration(now-at))
			}
		}
		if len(latencies) < 100 {
			return false
		}
		median = slices.Sorted(slices.Values(latencies[len(latencies)-100:]))[50]
		return median <= 100*time.Millisecond || len(latencies) >= 1000 // a busy machine is not busy all the time
	})
	t.Logf("half of the last 100 lines arrived after %v", median)
	if median > 100*time.Millisecond {
		t.Errorf("half of the lines arrive after %v", median)
	}

	s.follow(map[string]any{"id": 2, "checkout": "shop", "services": []string{"flood"}})
	s.await("the log", func(m boardMessage) bool { return m.Follow == 2 })
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var shown, skipped int64
	began := time.Now()
	s.await("the end of the flood", func(m boardMessage) bool {
		if m.Follow != 2 {
			return false
		}
		shown += int64(len(m.Lines))
		skipped += m.Skipped
		for _, l := range m.Lines {
			if l.Gap > 0 { // the disk was too slow; they are counted
				shown, skipped = shown-1, skipped+l.Gap
			}
		}
		return len(m.Lines) > 0 && m.Lines[len(m.Lines)-1].text() == "end"
	})
	if limit := int64(2500 + 1000*time.Since(began).Seconds()); shown > limit {
		t.Errorf("%d lines in %v", shown, time.Since(began))
	}
	if shown+skipped != 1000001 {
		t.Errorf("%d lines are shown, and %d left out", shown, skipped)
	}
	t.Logf("%d lines, %d left out, in %v", shown, skipped, time.Since(began))

	// As far back as the store goes.
	lines, start, end := b.lines("checkout=shop&service=flood&n=2")
	if len(lines) != 2 || lines[0].text() != "1000000" || lines[1].text() != "end" || start || !end {
		t.Fatalf("%+v, start %t, end %t", lines, start, end)
	}
	before, _, end := b.lines("checkout=shop&service=flood&n=3&before=" + url.QueryEscape(lines[0].Cursor))
	if len(before) != 3 || before[0].text() != "999997" || before[2].text() != "999999" || end {
		t.Errorf("%+v, end %t", before, end)
	}
	after, _, end := b.lines("checkout=shop&service=flood&n=10&after=" + url.QueryEscape(before[1].Cursor))
	if len(after) != 3 || after[0].text() != "999999" || !end {
		t.Errorf("%+v, end %t", after, end)
	}
	from, _, _ := b.lines("checkout=shop&service=flood&n=1&from=" + url.QueryEscape(before[1].Cursor))
	if len(from) != 1 || from[0].text() != "999998" {
		t.Errorf("%+v", from)
	}
	found, _, _ := b.lines("checkout=shop&service=flood&grep=" + url.QueryEscape("^99999[78]$"))
	if len(found) != 2 {
		t.Errorf("%+v", found)
	}
	if none, start, _ := b.lines("checkout=shop&service=flood&grep=" + url.QueryEscape("^99999[78]$") + "&before=" + url.QueryEscape(found[0].Cursor)); len(none) > 0 || !start {
		t.Errorf("before the first one: %+v, start %t", none, start)
	}
	s.follow(map[string]any{"id": 3, "checkout": "shop", "grep": "("})
	s.await("an error", func(m boardMessage) bool { return m.Follow == 3 && strings.Contains(m.Error, "missing closing )") })
}

// Without a log store, the page shows what the run has in memory.
func TestDashboardUnrecorded(t *testing.T) {
	h := newFrontHome(t, "DEVPORTS_LOGS=off")
	h.up(h.checkout("shop", "project = \"shop\"\n[services]\nweb = { command = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done', port = false }\n"))
	b := h.board()
	lines, start, end := b.lines("checkout=shop&service=web")
	for limit := time.Now().Add(patience); len(lines) == 0 && time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		lines, start, end = b.lines("checkout=shop&service=web")
	}
	if len(lines) == 0 || lines[0].text() != "1" || !start || !end {
		t.Fatalf("%+v", lines)
	}
	s := b.stream(map[string]any{"id": 1, "checkout": "shop", "services": []string{"web"}, "after": lines[0].Cursor})
	next := 2
	s.await("10 lines", func(m boardMessage) bool {
		for _, l := range m.Lines {
			if l.text() != fmt.Sprint(next) {
				t.Fatalf("%q instead of %d", l.text(), next)
			}
			next++
		}
		return next > 10
	})
}
