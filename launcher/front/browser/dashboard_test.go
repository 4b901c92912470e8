package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// board is a page with the dashboard of a world.
type board struct {
	*tab
	w *world
}

// dashboard signs a browser in.
func (w *world) dashboard(b *tab) *board {
	w.t.Helper()
	d := &board{b, w}
	run(b, chromedp.EmulateViewport(1200, 800))
	b.navigate(strings.TrimSpace(w.devports(w.t.TempDir(), "dashboard", "--print")))
	d.live()
	return d
}

// live waits until the page is connected.
func (d *board) live() {
	d.t.Helper()
	d.await(`document.querySelector("#connection").textContent == "live"`)
}

// at returns the address of the page for a view, such as checkout=shop.
func (d *board) at(view string) string { return d.w.url("devports", "/#"+view) }

// view opens a view.
func (d *board) view(view string) {
	d.t.Helper()
	d.navigate("about:blank")
	d.navigate(d.at(view))
	d.live()
}

// click clicks with the mouse on the first element that a selector has.
func (d *board) click(selector string) {
	d.t.Helper()
	at := evaluate[[]float64](d.tab, fmt.Sprintf(`(() => {
		const node = document.querySelector(%q);
		node.scrollIntoView({block: "nearest"});
		const r = node.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector))
	run(d.tab, chromedp.MouseClickXY(at[0], at[1]))
}

// press presses a key: a character, or Tab or Escape. It has the default action
// of one of a keyboard, unless the page prevents it.
func (d *board) press(key string) {
	d.t.Helper()
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key}
	switch key {
	case "Tab":
		down.WindowsVirtualKeyCode = 9
	case "Escape":
		down.WindowsVirtualKeyCode = 27
	case "Enter":
		down.WindowsVirtualKeyCode, down.Text = 13, "\r"
	default:
		down.Text = key
	}
	up := down
	up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
	call(d.tab, input.DispatchKeyEvent, down)
	call(d.tab, input.DispatchKeyEvent, up)
}

// write presses the keys of a text.
func (d *board) write(text string) {
	d.t.Helper()
	call(d.tab, input.InsertText, input.InsertTextParams{Text: text})
}

// ask sends a request to a service of a checkout, and returns its response.
func (w *world) ask(dir, service, path, body string) string {
	w.t.Helper()
	port := strings.TrimSpace(w.devports(dir, "port", service))
	response, err := http.Post("http://127.0.0.1:"+port+path, "text/plain", strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return string(text)
}

// print makes a service print a text.
func (w *world) print(dir, service, text string) {
	w.t.Helper()
	w.ask(dir, service, "/print", text)
}

// worktree returns the directory of the worktree that startShop creates.
func worktree(dir string) string { return filepath.Join(filepath.Dir(dir), "login") }

// shows is a script that is true once a line is on the page.
func shows(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#lines .text")].some(n => n.textContent == %q)`, text)
}

// median is the middle of values, which it sorts.
func median(values []float64) float64 { return percentile(values, 50) }

func percentile(values []float64, n int) float64 {
	slices.Sort(values)
	return values[min(len(values)-1, len(values)*n/100)]
}

// The page loads fast, from this machine only, and without a complaint.
func TestDashboardLoads(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	w.print(dir, "web", strings.Repeat("a line of the log\n", 2000))
	d.await(`document.querySelectorAll("#lines > div").length > 400`)

	var paints []float64
	transferred := 0.0
	for range 7 {
		d.view("checkout=shop")
		d.await(`document.querySelectorAll(".checkout").length == 2 && performance.getEntriesByName("first-contentful-paint").length == 1`)
		paints = append(paints, evaluate[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
		transferred = evaluate[float64](b, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((n, e) => n + e.transferSize, 0)`)
	}
	paint := median(paints)
	t.Logf("first contentful paint: %.0f ms (median of %d), %.1f kB", paint, len(paints), transferred/1000)
	if paint > 1000 {
		t.Errorf("the first paint takes %.0f ms", paint)
	}
	if transferred > 100_000 || transferred < 10_000 {
		t.Errorf("%.0f bytes are transferred", transferred)
	}
	b.mu.Lock()
	requests := slices.Clone(b.requests)
	b.mu.Unlock()
	slices.Sort(requests)
	if got, want := slices.Compact(requests), []string{"GET /", "GET /api/state", "GET /app.js", "GET /style.css", "POST /api/session"}; !slices.Equal(got, want) {
		t.Errorf("requests: %q", got)
	}
	b.noProblems()
}

// A page signs in although the front restarts meanwhile.
func TestDashboardSignsInAgain(t *testing.T) {
	for _, lost := range []string{"/api/session", "/api/state"} {
		b, w := newBrowser(t), newWorld(t)
		call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(`
			const real = window.fetch;
			window.lost = 0;
			window.fetch = (path, ...rest) => path === %q && !lost++ ? Promise.reject(new TypeError("Failed to fetch")) : real(path, ...rest);
		`, lost)})
		w.dashboard(b)
		if !evaluate[bool](b, `lost > 0 && !location.hash.includes("token")`) {
			t.Errorf("%s: %s", lost, evaluate[string](b, "location.href"))
		}
		b.noProblems()
	}
}

// Ten pages are live, and leave connections for an app behind the front.
func TestDashboardTabs(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	pages := []*board{w.dashboard(b)}
	for len(pages) < 10 {
		d := &board{newTab(t, b.ctx), w}
		d.navigate(d.at("checkout=shop"))
		pages = append(pages, d)
	}
	for _, d := range pages {
		d.live()
	}
	began := time.Now()
	w.print(dir, "web", "for everybody\n")
	for _, d := range pages {
		d.await(shows("for everybody"))
	}
	t.Logf("ten pages show a line after %v", time.Since(began).Round(time.Millisecond))
	app := newTab(t, b.ctx)
	began = time.Now()
	if text := app.open(w.url("web.shop", "/"), "#app"); !strings.HasPrefix(text, "web ") {
		t.Errorf("the app responds %q", text)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the app responds after %v", took)
	}
	// The app of the same site as the page, too.
	if status := evaluate[int](pages[9].tab, `fetch("/api/state").then(r => r.status)`); status != http.StatusOK {
		t.Errorf("another request of a page: %d", status)
	}

	for _, d := range pages {
		d.noProblems()
	}
}

// A page of another origin can do nothing and see nothing.
func TestDashboardForeign(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	pid := func() int {
		return evaluate[int](d.tab, `state.checkouts.find(c => c.id == "shop").services.find(s => s.name == "web").pid`)
	}
	before := pid()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>other</title><p id=app>other")
	}))
	defer other.Close()
	// Also a service of a checkout, which is on another host of the same port.
	for _, origin := range []string{other.URL + "/", w.url("web.shop", "/")} {
		page := newTab(t, b.ctx) // of the browser that is signed in
		page.navigate(origin)
		got := evaluate[map[string]string](page, fmt.Sprintf(`(async () => {
			const base = %q, body = JSON.stringify({checkout: "shop", services: ["web"]}), got = {};
			const attempt = async (name, path, options) => {
				try {
					const r = await fetch(base + path, {credentials: "include", ...options});
					got[name] = r.type == "opaque" ? "" : "reads " + await r.text();
				} catch { got[name] = ""; }
			};
			await attempt("text", "api/restart", {method: "POST", mode: "no-cors", body});
			await attempt("json", "api/restart", {method: "POST", headers: {"Content-Type": "application/json"}, body});
			await attempt("state", "api/state", {});
			await attempt("lines", "api/lines?checkout=shop", {});
			navigator.sendBeacon(base + "api/restart", body);
			const form = document.createElement("form");
			form.method = "post"; form.action = base + "api/stop"; form.enctype = "text/plain"; form.target = "sent";
			const field = document.createElement("input");
			field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}';
			form.append(field);
			const frame = document.createElement("iframe");
			frame.name = "sent";
			document.body.append(frame, form);
			await new Promise(done => { frame.onload = done; form.submit(); });
			got.socket = await new Promise(done => {
				const s = new WebSocket(base.replace("http", "ws") + "api/stream");
				s.onopen = () => done("open");
				s.onerror = () => done("");
			});
			const inside = document.createElement("iframe");
			document.body.append(inside);
			await new Promise(done => { inside.onload = done; inside.src = base; });
			try { got.iframe = inside.contentDocument.body.innerText; } catch { got.iframe = ""; }
			return got;
		})()`, w.url("devports", "/")))
		for name, value := range got {
			if value != "" {
				t.Errorf("%s from %s: %s", name, origin, value)
			}
		}
		page.mu.Lock()
		if !slices.ContainsFunc(page.problems, func(p string) bool { return strings.Contains(p, "frame-ancestors") }) {
			t.Errorf("%s may show the page in a frame: %q", origin, page.problems)
		}
		page.mu.Unlock()
	}
	if after := pid(); after != before {
		t.Errorf("the service was restarted: %d, %d", before, after)
	}
	d.noProblems()

	stranger := newBrowser(t)
	stranger.navigate(w.url("devports", "/"))
	stranger.await(`!document.querySelector("#signin").hidden && document.querySelector("#main").hidden`)
	stranger.await(`document.querySelector("#signin code").innerText == "devports dashboard"`)
	stranger.navigate(w.url("devports", "/#token=wrong"))
	stranger.await(`document.querySelector("#signin").innerText.includes("The token of this link is wrong")`)
	if got := evaluate[string](stranger, "location.hash"); got != "" {
		t.Errorf("the token is still in the address: %s", got)
	}
	if text := evaluate[string](stranger, "document.body.innerText"); strings.Contains(text, "shop") {
		t.Errorf("the page shows %s", text)
	}
	// It notices that the browser is signed in now.
	stranger.navigate(strings.TrimSpace(w.devports(dir, "dashboard", "--print")))
	stranger.await(`document.querySelector("#signin").hidden && document.querySelectorAll(".checkout").length == 2`)
}

const hostile = "<script>pwned=1</script>\n<img src=x onerror=pwned=1>\n\x1b[31mred\x1b[0m plain\n\x1b]0;title\x07\x1b[2J\x1b[1;1Hmoved\n" +
	"\u202eright\u2066 to left\nnul\x00inside\ninvalid \xff\xfe\n{\"level\":\"error\",\"msg\":\"<b>bold</b>\",\"x\":\"<i>\"}\njavascript:pwned=1 http://127.0.0.1:1/\"onmouseover=pwned=1\n"

// What services, projects and branches say is shown as text.
func TestDashboardHostileText(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("<b>hostile", map[string]string{"Portfile": `project = "<img src=x onerror=pwned=1>"
[services]
web = "BROWSER_TEST_SERVICE=web exec $SERVICE"
`})
	w.command(dir, "sh", "-ec", `git init -q -b '<img/src=y/onerror=pwned=1>'; git add .; git -c user.name=a -c user.email=a commit -q -m x`)
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	w.print(dir, "web", hostile+strings.Repeat("x", 1_000_000)+"\nthe last\n")
	d.await(shows("the last"))
	for _, text := range []string{
		"<script>pwned=1</script>", "<img src=x onerror=pwned=1>", "red plain", "moved", "\u202eright\u2066 to left", "nulinside", `invalid \xff\xfe`,
		"error <b>bold</b> x=<i>", `javascript:pwned=1 http://127.0.0.1:1/"onmouseover=pwned=1`,
	} {
		if !evaluate[bool](b, shows(text)) {
			t.Errorf("the page does not show %q", text)
		}
	}
	names := evaluate[string](b, `document.querySelector("#checkouts").innerText + document.title + document.querySelector("#facts").innerText`)
	for _, text := range []string{"<img src=x onerror=pwned=1>", "<img/src=y/onerror=pwned=1>", "<b>hostile"} {
		if !strings.Contains(names, text) {
			t.Errorf("%q is not in %s", text, names)
		}
	}
	if n := evaluate[int](b, `document.querySelectorAll("main script, main img, main b b, main iframe, main [onerror], main a[href^=javascript]").length`); n != 0 {
		t.Errorf("%d elements come from text", n)
	}
	if evaluate[bool](b, `window.pwned !== undefined`) {
		t.Error("a script ran")
	}
	// Each line is a row in its place, whatever is in it.
	if wrong := evaluate[string](b, `[...document.querySelectorAll("#lines > div")].filter((row, i, all) => {
		const when = row.querySelector("time").getBoundingClientRect(), text = row.querySelector(".text").getBoundingClientRect(), box = row.getBoundingClientRect();
		return when.right > text.left || text.right > innerWidth || (i && all[i - 1].getBoundingClientRect().bottom > box.top + 1);
	}).map(row => row.textContent.slice(0, 80)).join("\n")`); wrong != "" {
		t.Errorf("out of place: %s", wrong)
	}
	if !evaluate[bool](b, `[...document.querySelectorAll("#lines .cut")].some(n => / MB|kB|bytes/.test(n.textContent))`) {
		t.Error("the page does not say how much of the long line is left out")
	}
	fits(d, 360, 1600)
	b.noProblems()
}

// fits tests that the page has no horizontal scrolling at some widths.
func fits(d *board, widths ...int64) {
	d.t.Helper()
	for _, width := range widths {
		run(d.tab, chromedp.EmulateViewport(width, 800))
		if got := evaluate[int64](d.tab, "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"); got > width {
			d.t.Errorf("the page is %d pixels wide in a window of %d", got, width)
		}
		if wide := evaluate[string](d.tab, `[...document.querySelectorAll("body *")].filter(n => n.scrollWidth > n.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(n).overflowX)).map(n => n.id || n.className || n.tagName).join(" ")`); wide != "" {
			d.t.Errorf("in a window of %d pixels, these scroll sideways: %s", width, wide)
		}
	}
	run(d.tab, chromedp.EmulateViewport(1200, 800))
}
