package front

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/launcher"
)

// ask sends a GET request that is answered by a page.
func (f *testFront) ask(host, accept, version string) (*http.Response, string) {
	f.t.Helper()
	request, _ := http.NewRequest("GET", fmt.Sprintf("http://%s:%d/x", host, f.port), nil)
	request.Header.Set("Accept", accept)
	if version != "" {
		request.Header.Set("X-Devports-Page", version)
	}
	client := f.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response, string(text)
}

const html = "text/html,application/xhtml+xml,*/*;q=0.8"

// newPagesSite is a front with a run whose service has no process.
func newPagesSite(t *testing.T) (*testFront, *testRun, Service) {
	place := newPlace(t)
	f := startFront(t, place, freePort(t), 0)
	r := announce(t, place, Run{ID: "1", Site: "shop-fix", Project: "shop", Worktree: "fix", Directory: "/my shop"}, 0, nil)
	r.lines = []string{"first line", "<b>last</b> & line"}
	return f, r, Service{Name: "web", Host: "web", Port: freePort(t)}
}

// A service that does not respond is explained.
func TestPages(t *testing.T) {
	f, r, web := newPagesSite(t)
	for _, tt := range []struct {
		service Service
		title   string
		texts   []string // on the page
		json    string
		retry   string
	}{
		{
			Service{State: launcher.StateFailed, Detail: "exited with status 7", Exit: "exited with status 7"},
			"web has failed",
			[]string{"exited with status 7", "devports restart --dir &#39;/my shop&#39; web", "devports logs --dir", "&lt;b&gt;last&lt;/b&gt; &amp; line"},
			`"error":"web has failed: exited with status 7"`, "1",
		},
		{Service{State: launcher.StateStopped}, "web is stopped", []string{"devports start --dir &#39;/my shop&#39; web"}, `"state":"stopped"`, "1"},
		{Service{State: launcher.StateDone}, "web is done", []string{"to run it again", "devports start"}, `"state":"done"`, "1"},
		{
			Service{State: launcher.StateBackoff, Exit: "exited with status 3", Restarts: 4, RestartAt: time.Now().Add(time.Hour).UTC()},
			"web is restarting",
			[]string{"exited with status 3", `<time datetime="20`, "<dd>4</dd>", "devports restart"},
			"", "3600",
		},
		{Service{State: launcher.StateWaiting, Detail: "waits for db"}, "web is waiting", []string{">waits for db<", "first line"}, "", "1"},
		{Service{State: launcher.StateStarting, Detail: "waiting for port 1"}, "web is starting", []string{"waiting for port 1", "first line"}, "", "1"},
		{
			Service{State: launcher.StateStarting, Detail: "ignores PORT: it listens on 3000, not 1", WrongPorts: []int{3000}},
			"web listens on another port",
			[]string{"ignores PORT: it listens on 3000", "use $PORT in its command", `href="http://localhost:3000"`},
			`"until then, it is on 3000: http://localhost:3000"`, "1",
		},
	} {
		tt.service.Name, tt.service.Host, tt.service.Port = web.Name, web.Host, web.Port
		r.set(tt.service, 0)
		var response *http.Response
		var text string
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			response, text = f.ask("web.shop-fix.localhost", html, "")
			if response.StatusCode == 503 && strings.Contains(text, `class="state `+string(tt.service.State)+`"`) && strings.Contains(text, "<h1>"+tt.title+"<") {
				break
			}
		}
		for _, want := range append(tt.texts, "<h1>"+tt.title+"</h1>", `href="http://shop-fix.localhost:`, "shop (fix)") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", tt.title, want, text)
			}
		}
		h := response.Header
		if response.StatusCode != 503 || h.Get("X-Devports") != "shop/fix/web" || h.Get("Cache-Control") != "no-store" || strings.Contains(text, "<b>last") ||
			h.Get("Retry-After") != tt.retry && (tt.retry == "1" || h.Get("Retry-After") < "3500") {
			t.Errorf("%s: %v\n%s", tt.title, response, text)
		}
		if tt.json == "" {
			continue // other requests wait
		}
		response, text = f.ask("web.shop-fix.localhost", "application/json", "")
		var decoded map[string]any
		if err := json.Unmarshal([]byte(text), &decoded); err != nil || response.StatusCode != 503 || !strings.Contains(text, tt.json) {
			t.Errorf("%s, JSON: %v %d %s", tt.title, err, response.StatusCode, text)
		}
		response, text = f.ask("web.shop-fix.localhost", "*/*", "")
		if response.StatusCode != 503 || !strings.HasPrefix(text, "devports: "+tt.title) || strings.Contains(text, "<h1>") {
			t.Errorf("%s, text: %d %s", tt.title, response.StatusCode, text)
		}
	}
}

// The error of a service that waits does not say so twice.
func TestErrorOfWaiting(t *testing.T) {
	for detail, want := range map[string]string{"waits for db": "web waits for db", "": "web is waiting"} {
		var c page
		if c.explain(Service{Name: "web", State: launcher.StateWaiting, Detail: detail}, ""); c.Error != want {
			t.Errorf("%q: %s, want %s", detail, c.Error, want)
		}
	}
}

// The script of a page sees every change of the page, later lines, and when the
// service answers; the service never sees the script's requests.
func TestPageScript(t *testing.T) {
	f, r, web := newPagesSite(t)
	web.State, web.Detail = launcher.StateStarting, "waiting for port 1"
	r.set(web, 0)
	f.get("web.shop-fix.localhost", "/x", 503)
	_, text := f.ask("web.shop-fix.localhost", html, "")
	version := regexp.MustCompile(`data-version="([^"]*)"`).FindStringSubmatch(text)
	if version == nil {
		t.Fatal(text)
	}
	state := func() (s pageState) {
		t.Helper()
		response, text := f.ask("web.shop-fix.localhost", "*/*", "x")
		if err := json.Unmarshal([]byte(text), &s); err != nil || response.StatusCode != 200 {
			t.Fatalf("%v: %s", err, text)
		}
		return s
	}
	unescaped := strings.ReplaceAll(version[1], "&#43;", "+")
	if s := state(); s.Version != unescaped || len(s.Lines) != 2 {
		t.Errorf("%+v, the page has %s", s, unescaped)
	}
	r.mu.Lock()
	r.lines = append(r.lines, "a third")
	r.mu.Unlock()
	if s := state(); s.Version != unescaped || len(s.Lines) != 3 {
		t.Errorf("another line: %+v, the page has %s", s, unescaped)
	}
	p := start(t, "web", fmt.Sprintf("127.0.0.1:%d", web.Port))
	r.set(web, p.pid)
	f.get("web.shop-fix.localhost", "/", 200)
	if s := state(); s.Version == unescaped || len(s.Lines) != 0 {
		t.Errorf("it answers: %+v", s)
	}
}

// Neither other users nor the pages of other hosts get output or directories.
func TestPagesArePrivate(t *testing.T) {
	f, r, web := newPagesSite(t)
	web.State = launcher.StateFailed
	r.set(web, 0)
	f.get("web.shop-fix.localhost", "/x", 503)
	private := func(text string) bool {
		return strings.Contains(text, "first line") || strings.Contains(text, "/my shop")
	}
	for _, host := range []string{"shop-fix.localhost", "devports.localhost", "x.shop-fix.localhost", "shop.localhost", "127.0.0.1"} {
		for _, accept := range []string{html, "application/json", "*/*"} {
			for _, version := range []string{"", "x"} {
				if _, text := f.ask(host, accept, version); private(text) {
					t.Errorf("%s: %s", host, text)
				}
			}
		}
	}
	if _, err := holder.Sockets(f.port); err != nil {
		t.Skip("the system does not say who has connected")
	}
	_, text := f.ask("web.shop-fix.localhost", html, "")
	if !private(text) {
		t.Errorf("the user does not see the output: %s", text)
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for another user")
	}
	for _, header := range []string{"Accept: text/html", "Accept: application/json", "Accept: */*", "X-Devports-Page: x"} {
		out, err := exec.Command("setpriv", "--reuid=65534", "--clear-groups", "curl", "-sS", "-H", "Host: web.shop-fix.localhost", "-H", header,
			fmt.Sprintf("http://127.0.0.1:%d/", f.port)).CombinedOutput()
		if err != nil {
			t.Skipf("needs setpriv and curl: %v, %s", err, out)
		}
		if private(string(out)) || header != "X-Devports-Page: x" && !strings.Contains(string(out), "failed") {
			t.Errorf("another user, %s: %s", header, out)
		}
	}
}

// Text has a contrast of at least 4.5:1 with its background, in both schemes
// (WCAG 2, 1.4.3).
func TestContrast(t *testing.T) {
	light, dark, _ := strings.Cut(pageStyle, "@media (prefers-color-scheme: dark)")
	color := regexp.MustCompile(`--(\w+): #(\w\w)(\w\w)(\w\w)`)
	for scheme, style := range map[string]string{"light": light, "dark": dark} {
		brightness := map[string]float64{}
		for _, m := range color.FindAllStringSubmatch(style, -1) {
			for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
				var value int
				_, _ = fmt.Sscanf(m[i+2], "%x", &value)
				part := float64(value) / 255
				if part <= 0.04045 {
					part /= 12.92
				} else {
					part = math.Pow((part+0.055)/1.055, 2.4)
				}
				brightness[m[1]] += weight * part
			}
		}
		for _, text := range []string{"text", "dim", "link", "good", "busy", "bad"} {
			for _, back := range []string{"back", "panel"} {
				a, b := brightness[text], brightness[back]
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Errorf("%s, %s on %s: %.2f", scheme, text, back, ratio)
				}
			}
		}
	}
}
