package browser

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The accessibility checker, as npm has it.
const (
	axeVersion = "4.14.1"
	axeSum     = "e63e659f9806d7ae5bd40899043b0871a5062c5442b01b3f1a3edf5eaf50bf5c3a7104a72463293b4ad1b77c661a0d4e40e850dec89de9d6ece70a8c13a9af17"
)

// axe returns the accessibility checker.
func axe(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("needs npm")
	}
	dir := t.TempDir()
	pack := exec.Command("npm", "pack", "--silent", "--prefer-offline", "axe-core@"+axeVersion)
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Skipf("needs axe-core from npm: %v %s", err, out)
	}
	script, err := exec.Command("tar", "-xzOf", filepath.Join(dir, "axe-core-"+axeVersion+".tgz"), "package/axe.min.js").Output()
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(script); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("axe-core has the checksum %x", sum)
	}
	return string(script)
}

// scheme changes between dark and light.
func (d *board) scheme(name string) {
	d.t.Helper()
	call(d.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// busy starts checkouts whose services are in all states, and have output.
func busy(w *world) (dir string) {
	w.t.Helper()
	dir = startShop(w)
	other := w.project("billing-with-a-rather-long-name", map[string]string{"Portfile": `[services]
web = "BROWSER_TEST_SERVICE=web exec $SERVICE"
broken = { command = "echo cannot connect to the database; exit 7", restart = "no", port = false }
flapping = { command = "echo hm; exit 1", restart = "on-failure", port = false }
starting = { command = "exec sleep 1000", ready_timeout = "10m" }
behind = { command = "exec sleep 1000", depends_on = ["starting"], port = false }
worker = { command = "exec sleep 1000", port = false }
`})
	up := exec.Command(w.program, "up", "--plain")
	up.Dir, up.Env = other, w.env
	if err := up.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = up.Process.Signal(os.Interrupt)
		_ = up.Wait() // 130
	})
	w.devports(worktree(dir), "down")
	w.print(dir, "web", "\x1b[32mGET\x1b[0m /cart \x1b[1m200\x1b[0m in 12 ms\n\x1b[31mPOST /login 500\x1b[0m http://web.shop.localhost:4777/login\n"+
		"{\"level\":\"warn\",\"msg\":\"slow query\",\"ms\":1234,\"query\":\"select * from orders\"}\n{\"level\":\"error\",\"msg\":\"no stock\",\"item\":17}\n"+
		"\x1b[97;44m white on blue \x1b[0m \x1b[30;43m black on yellow \x1b[0m \x1b[2mdim\x1b[0m \x1b[7minverse\x1b[0m \x1b[90mgrey\x1b[0m \x1b[33myellow\x1b[0m \x1b[36mcyan\x1b[0m \x1b[35mmagenta\x1b[0m\n"+strings.Repeat("a long line of many words ", 20)+"\n")
	return dir
}

// The page can be read by everybody, in each size and colour.
func TestDashboardAccessibility(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	script := axe(t)
	dir := busy(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	state := func(service, state string) string {
		return fmt.Sprintf(`document.querySelector("[data-key^=billing] [data-key=%s] .state.%s")`, service, state)
	}
	d.await(strings.Join([]string{state("web", "ready"), state("broken", "failed"), state("flapping", "backoff"), state("starting", "starting"), state("behind", "waiting")}, "&&") + " != null")
	stranger := &board{newBrowser(t), w}
	stranger.navigate(w.url("devports", "/#token=wrong"))
	stranger.await(`document.querySelector("#signin").innerText.includes("wrong")`)
	for _, page := range []struct {
		name  string
		board *board
		open  func()
	}{
		{"signin", stranger, func() {}},
		{"all", d, func() { d.view("checkout=shop"); d.await(shows("GET /cart 200 in 12 ms")) }},
		{"service", d, func() {
			d.click(`[data-key^=billing] [data-key=broken] .pick`)
			d.await(shows("cannot connect to the database"))
			evaluate[bool](b, `fail("web of shop is not running", "cd /src/shop && devports up -d"), true`)
		}},
		{"service-paused", d, func() {
			d.view("checkout=shop&service=web")
			d.await(shows("GET /cart 200 in 12 ms"))
			d.click("#follow")
		}},
		{"keys", d, func() { d.click("#keys-button"); d.await(`document.querySelector("#keys").open`) }},
	} {
		run(page.board.tab, chromedp.EmulateViewport(1600, 800))
		page.open()
		evaluate[bool](page.board.tab, script+"; true")
		for _, look := range []struct {
			width  int64
			scheme string
		}{{360, "dark"}, {800, "light"}, {1600, "dark"}, {1600, "light"}} {
			run(page.board.tab, chromedp.EmulateViewport(look.width, 800))
			page.board.scheme(look.scheme)
			name := fmt.Sprintf("%s-%d-%s", page.name, look.width, look.scheme)
			for _, found := range evaluate[[]string](page.board.tab, `axe.run({resultTypes: ["violations"]}).then(r => r.violations.filter(v => v.impact == "serious" || v.impact == "critical")
				.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`) {
				t.Errorf("%s: %s", name, found)
			}
			if directory := os.Getenv("BROWSER_SCREENSHOTS"); directory != "" {
				if err := os.WriteFile(filepath.Join(directory, name+".png"), run(page.board.tab, chromedp.CaptureScreenshot()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		if page.name == "keys" {
			page.board.press("Escape")
		}
		fits(page.board, 360, 800, 1600)
	}
	b.noProblems()
}

// Everything can be done without a mouse.
func TestDashboardKeyboard(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	d.view("checkout=shop")
	title := func(want string) {
		t.Helper()
		d.await(fmt.Sprintf(`document.querySelector("#pane-title").textContent == %q`, want))
	}
	title("shop")
	d.press("j")
	title("shop / web")
	d.press("j")
	title("shop / api")
	d.press("j")
	title("shop (login)")
	d.press("k")
	title("shop / api")
	d.press("k")
	title("shop / web")

	before := evaluate[int](b, pids("shop")+"[0]")
	d.press("r")
	d.await(fmt.Sprintf("%s[0] && %[1]s[0] != %d", pids("shop"), before))
	d.await(states("shop", "ready") + "&&" + button("stop"))
	d.press("s")
	d.await(`document.querySelector("#facts").textContent.startsWith("stopped") && ` + button("start"))
	d.press("s")
	d.await(states("shop", "ready"))

	w.print(dir, "web", strings.Repeat("many lines\n", 100)+"the last\n")
	d.await(shows("the last"))
	// Also while lines appear.
	printed := make(chan string, 1)
	go func() { printed <- w.ask(dir, "web", "/pace?rate=500&seconds=2", "") }()
	d.await(`/line \d+ at/.test(document.querySelector("#lines").lastElementChild?.textContent)`)
	for range 5 {
		d.press("f")
		d.await(`document.querySelector("#follow").getAttribute("aria-pressed") == "false"`)
		evaluate[bool](b, `new Promise(done => setTimeout(done, 100, true))`)
		if !evaluate[bool](b, `document.querySelector("#follow").getAttribute("aria-pressed") == "false"`) {
			t.Error("the log follows again by itself")
		}
		d.press("G")
		d.await(`document.querySelector("#follow").getAttribute("aria-pressed") == "true" && log.rows.length > 0`)
	}
	<-printed
	d.press("f")
	d.await(`document.querySelector("#follow").getAttribute("aria-pressed") == "false"`)
	d.press("f")
	d.await(`document.querySelector("#follow").getAttribute("aria-pressed") == "true"`)
	for range 20 { // each loads older lines
		d.press("g")
		evaluate[bool](b, `new Promise(done => setTimeout(done, 100, true))`)
		if evaluate[bool](b, `log.start && document.querySelector("#log").scrollTop == 0`) {
			break
		}
	}
	d.await(`log.start && document.querySelector("#log").scrollTop == 0`)
	d.press("G")
	d.await(`log.atEnd() && document.querySelector("#follow").getAttribute("aria-pressed") == "true"`)
	d.press("t")
	d.await(`document.querySelector("#times").getAttribute("aria-pressed") == "false"`)
	d.press("/")
	d.write("the l")
	d.await(`document.querySelectorAll("#lines .text").length == 1`)
	if got := evaluate[string](b, `document.querySelector("#grep").value`); got != "the l" {
		t.Errorf("the filter is %q", got)
	}
	d.press("Escape")
	d.await(`document.querySelectorAll("#lines .text").length > 50 && document.activeElement != document.querySelector("#grep")`)
	d.press("?")
	d.await(`document.querySelector("#keys").open`)
	d.press("Escape")
	d.await(`!document.querySelector("#keys").open`)

	// Tab reaches whatever a mouse can click, and shows where it is.
	evaluate[bool](b, `document.activeElement.blur(), document.body.focus(), true`)
	all := evaluate[[]string](b, `(window.describe = n => n.id || n.closest("[data-key]") && [...(function*() { for (let p = n; p; p = p.parentElement) if (p.dataset.key) yield p.dataset.key; })()].join("<") + " " + n.className + " " + n.tagName || n.textContent || n.tagName,
		[...document.querySelectorAll("a[href], button, input, [tabindex]")].filter(n => n.checkVisibility() && !n.disabled).map(describe))`)
	reached := map[string]bool{}
	for range 3 * len(all) {
		d.press("Tab")
		got := evaluate[[]string](b, `(n => {
			const s = getComputedStyle(n), r = n.getBoundingClientRect();
			return [describe(n), n == document.body || n.matches(":focus-visible") && s.outlineStyle != "none" && parseFloat(s.outlineWidth) >= 2 ? "" : "outline", n == document.body || r.width && r.bottom > 0 && r.top < innerHeight ? "" : "out of sight"];
		})(document.activeElement)`)
		if got[1]+got[2] != "" {
			t.Errorf("the focus is not to be seen: %q", got)
		}
		if reached[got[0]] && len(reached) > len(all) {
			break
		}
		reached[got[0]] = true
	}
	for _, name := range all {
		if !reached[name] {
			t.Errorf("Tab does not reach %s", name)
		}
	}
	// A button works with the keyboard.
	evaluate[bool](b, `document.querySelector("#times").focus(), true`)
	d.press("Enter")
	d.await(`document.querySelector("#times").getAttribute("aria-pressed") == "true"`)
	b.noProblems()
}
