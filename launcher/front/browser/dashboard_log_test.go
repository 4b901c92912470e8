package browser

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// flood is how long a service floods its log, in s.
var flood = flag.Int("flood", 5, "how many seconds the test of a flood lasts; from 30, it judges the frames that the page draws, too, on a quiet machine")

// watchLines makes a page collect what appears in its log: ages are the time from
// printing to being on the page, numbers those of lines of pace, in order.
const watchLines = `(() => {
	window.ages = []; window.numbers = [];
	new MutationObserver(changes => {
		const now = Date.now();
		for (const c of changes) for (const n of c.addedNodes) {
			const m = /line (\d+) at (\d+)/.exec(n.textContent);
			if (m) { numbers.push(Number(m[1])); ages.push(now - m[2]); }
		}
	}).observe(document.querySelector("#lines"), {childList: true});
	return true;
})()`

// A line is on the page soon.
func TestDashboardLatency(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	evaluate[bool](b, watchLines)
	printed := w.ask(dir, "web", "/pace?rate=900&seconds=3", "")
	w.print(dir, "web", "the last\n")
	d.await(shows("the last"))
	ages, numbers := evaluate[[]float64](b, "ages"), evaluate[[]int](b, "numbers")
	if fmt.Sprint(len(numbers)) != printed {
		t.Errorf("%d of %s lines are on the page", len(numbers), printed)
	}
	for i, n := range numbers {
		if n != i {
			t.Fatalf("line %d is in place of line %d", n, i)
		}
	}
	half, most := median(ages), percentile(ages, 95)
	t.Logf("%d lines: on the page after %.0f ms (median), %.0f ms (95 %%)", len(ages), half, most)
	if half > 250 || most > 1000 {
		t.Errorf("lines are on the page after %.0f ms (median), %.0f ms (95 %%)", half, most)
	}
	b.noProblems()
}

// The page stays usable in a flood, and says what it does not show. All that is
// stored can be found.
func TestDashboardFlood(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	w.print(dir, "web", "the very first\n")
	d.await(shows("the very first"))
	// An empty page shows how many frames the machine can draw meanwhile.
	empty := newBrowser(t)
	frames := func(b *tab) float64 { return evaluate[float64](b, "drawn / (performance.now() - began) * 1000") }
	for _, page := range []*tab{b, empty} {
		evaluate[bool](page, `(() => {
			window.drawn = 0;
			const draw = () => { drawn++; requestAnimationFrame(draw); };
			requestAnimationFrame(draw);
			window.began = performance.now();
			return true;
		})()`)
	}
	done := make(chan string, 1)
	go func() { done <- w.ask(dir, "web", fmt.Sprintf("/pace?rate=200000&seconds=%d", *flood), "") }()
	call(b, performance.Enable, performance.EnableParams{})
	heap := 0.0
	printed := ""
	for printed == "" {
		select {
		case printed = <-done:
		case <-time.After(300 * time.Millisecond):
		}
		metrics, err := chromedp.Call(b.ctx, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics.Metrics {
			if m.Name == "JSHeapUsedSize" {
				heap = max(heap, m.Value)
			}
		}
	}
	rate, possible := frames(b), frames(empty)
	t.Logf("%s lines in %d s: %.0f frames a second (an empty page: %.0f), heap of at most %.1f MB", printed, *flood, rate, possible, heap/1e6)
	enough := 1.0 // it does not freeze
	if *flood >= 30 {
		enough = min(30, possible/2)
	}
	if rate < enough {
		t.Errorf("%.0f frames a second, of %.0f", rate, possible)
	}
	if heap > 150e6 {
		t.Errorf("a heap of %.0f MB", heap/1e6)
	}
	if rows := evaluate[int](b, `document.querySelectorAll("#lines > div").length`); rows > 5000 {
		t.Errorf("%d rows", rows)
	}
	w.print(dir, "web", "the very last\n")
	d.await(shows("the very last"))
	// The page shows each number of lines that are left out, between those that
	// are shown.
	if gaps := evaluate[string](b, `(() => {
		const rows = [...document.querySelectorAll("#lines > div")], wrong = [];
		let last = -1, left = 0, seen = 0;
		for (const row of rows) {
			const gap = row.className == "missing" && /^([\d,]+) lines? /.exec(row.textContent); // not shown, or the disk was too slow
			if (gap) { left += Number(gap[1].replaceAll(",", "")); seen += /not shown/.test(row.textContent); }
			const m = /line (\d+) at/.exec(row.textContent);
			if (!m) continue;
			if (last >= 0 && Number(m[1]) != last + 1 + left) wrong.push(last + ", " + left + " left out, " + m[1]);
			last = Number(m[1]); left = 0;
		}
		return seen ? wrong.join("; ") : "the page does not say that lines are left out";
	})()`); gaps != "" {
		t.Error(gaps)
	}

	// The store has what was left out, and the edge says where it begins.
	last := evaluate[int](b, `Math.max(...[...document.querySelectorAll("#lines .text")].map(n => /line (\d+)/.exec(n.textContent)?.[1] ?? 0))`)
	d.press("/")
	d.write(fmt.Sprintf("^line %d at", last-777))
	d.await(fmt.Sprintf(`document.querySelectorAll("#lines .text").length == 1 && document.querySelector("#lines .text").textContent.startsWith("line %d at")`, last-777))
	d.await(`document.querySelector("#edge").textContent.startsWith("The log begins here, ")`)
	d.press("Escape")
	d.await(shows("the very last"))
	// Scrolling up loads what is older.
	for range 4 {
		oldest := evaluate[int](b, `Math.min(...[...document.querySelectorAll("#lines .text")].map(n => /line (\d+)/.exec(n.textContent)?.[1] ?? 1e9))`)
		evaluate[bool](b, `document.querySelector("#log").scrollTop = 0, true`)
		d.await(fmt.Sprintf(`Math.min(...[...document.querySelectorAll("#lines .text")].map(n => /line (\d+)/.exec(n.textContent)?.[1] ?? 1e9)) < %d`, oldest))
	}
	b.noProblems()
}

// The view survives a reload, switching, and moving to another browser.
func TestDashboardRemembers(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	var lines strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&lines, "number %d\n", i)
	}
	w.print(dir, "web", lines.String())
	w.print(dir, "api", "from api\n")
	w.print(worktree(dir), "web", "in login\n")
	d.click(`[data-key=shop] .pick`)
	d.await(shows("number 2999"))
	d.click("#times")
	// Services off and on.
	d.click(`#shown [data-key=web]`)
	d.await(`document.querySelector("#shown [data-key=web]").getAttribute("aria-pressed") == "true" && document.querySelector("#shown [data-key=api]").getAttribute("aria-pressed") == "false"`)
	d.press("/")
	d.write("NUMBER|ber .*[05]$")
	d.await(`location.hash.includes("grep=") && document.querySelectorAll("#lines .text").length >= 300 && !(` + shows("number 2999") + `)`)
	evaluate[bool](b, `document.activeElement.blur(), document.querySelector("#log").scrollTop -= 2345, true`)
	d.await(`/at=/.test(location.hash) && document.querySelector("#follow").getAttribute("aria-pressed") == "false"`)
	d.await(`log.visible() == new URLSearchParams(location.hash.slice(1)).get("at")`) // the address follows the scroll position after a while
	const look = `(() => {
		const top = document.querySelector("#log").getBoundingClientRect().top;
		const first = [...document.querySelectorAll("#lines > div")].find(n => n.getBoundingClientRect().bottom > top + 1);
		return [first?.querySelector(".text").textContent, document.querySelector("#grep").value, document.querySelector("#times").getAttribute("aria-pressed"),
			[...document.querySelectorAll("#shown .chip")].map(n => n.textContent + n.getAttribute("aria-pressed")).join(" "), document.querySelector("#pane-title").textContent].join(" | ");
	})()`
	want := evaluate[string](b, look)
	same := func(d *board) {
		t.Helper()
		d.await(fmt.Sprintf(`%s == %q`, look, want))
	}
	if !strings.HasPrefix(want, "number ") || !strings.Contains(want, "| false |") {
		t.Fatalf("the page shows %s", want)
	}
	run(b, chromedp.Reload())
	same(d)
	d.click(`[data-key=shop-login] .pick`)
	d.await(`document.querySelector("#pane-title").textContent == "shop (login)"`)
	run(b, chromedp.NavigateBack())
	same(d)
	d.click(`[data-key=shop-login] .pick`)
	d.await(`document.querySelector("#pane-title").textContent == "shop (login)"`)
	d.click(`[data-key=shop] [data-key=web] .pick`)
	same(d)

	address := evaluate[string](b, "location.href")
	other := w.dashboard(newBrowser(t))
	other.navigate("about:blank")
	other.navigate(address)
	same(other)
	b.noProblems()
	other.noProblems()
}

// A frame that comes late does not scroll to the end of a log that is read
// further up.
func TestDashboardLateFrames(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	var lines strings.Builder
	for i := range 200 {
		fmt.Fprintf(&lines, "number %d\n", i)
	}
	w.print(dir, "web", lines.String())
	d.view("checkout=shop&service=web")
	d.await(shows("number 199"))
	// late makes lines arrive, then does something, then draws.
	late := func(checkout string, act func()) {
		t.Helper()
		d.await(`log.start && !log.drawing && (() => {
			window.drawn = window.requestAnimationFrame;
			window.frames = [];
			window.requestAnimationFrame = f => frames.push(f);
			return true;
		})()`)
		w.print(checkout, "web", "late\n")
		d.await(`log.drawing`)
		act()
		evaluate[bool](b, `(() => {
			window.requestAnimationFrame = drawn;
			for (const f of frames) f();
			return true;
		})()`)
	}
	const top = `document.querySelector("#log").scrollTop`
	for name, checkout := range map[string]string{"reading": dir, "back": worktree(dir)} {
		d.view("checkout=shop&service=web")
		d.await(shows("number 199"))
		d.click("#follow")
		d.press("g")
		d.await(`/at=/.test(location.hash) && ` + top + ` == 0 && log.visible() == new URLSearchParams(location.hash.slice(1)).get("at")`)
		address := evaluate[string](b, "location.hash")
		if name == "reading" {
			d.press("G")
			d.await(`!/at=/.test(location.hash)`)
			late(checkout, func() { d.press("f"); d.press("g") })
		} else {
			d.click(`[data-key=shop-login] [data-key=web] .pick`)
			d.await(`document.querySelector("#pane-title").textContent == "shop (login) / web"`)
			late(checkout, func() {
				run(b, chromedp.NavigateBack())
				d.await(shows("number 0") + `&&` + shows("number 199"))
			})
		}
		d.await(`location.hash == ` + fmt.Sprintf("%q", address))
		if now := evaluate[float64](b, top); now > 100 {
			t.Errorf("%s: the log is %.0f px from its beginning", name, now)
		}
	}
	b.noProblems()
}

// An empty line has a row, as it arrives and as it is loaded.
func TestDashboardEmptyLines(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	w.print(dir, "web", "before\n\nafter\n")
	between := `(() => {
		const texts = [...document.querySelectorAll("#lines .text")].map(n => n.textContent), i = texts.indexOf("before");
		return i >= 0 && texts[i + 1] === "" && texts[i + 2] === "after";
	})()`
	d.await(between)
	w.print(dir, "web", strings.Repeat("later\n", 600)+"the last\n")
	d.await(shows("the last"))
	d.view("checkout=shop&service=web")
	d.await(shows("the last") + ` && !(` + shows("after") + `)`)
	d.press("g")
	d.await(between)
	b.noProblems()
}

// The fields of a line of JSON have the values that were printed, and no control
// characters.
func TestDashboardFields(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	lines := []struct{ printed, shown string }{
		{
			`{"level":"info","msg":"paid","order_id":9007199254740993,"trace": 12345678901234567890 ,"price":10.0,"e":1E400}`,
			"info paid order_id=9007199254740993 trace=12345678901234567890 price=10.0 e=1E400",
		},
		{`{"msg":"nested","ids":[9007199254740993,{"n":-0}],"ok":true,"none":null}`, `nested ids=[9007199254740993,{"n":-0}] ok=true none=null`},
		{`{"id":1,"msg":"twice","id":2,"level":"info","level":"warn"}`, "warn twice id=1 id=2 level=info"},
		{`{"msg":"a\u0000b\u202ec\u001b[31md\u009b","\u2066k":"\u200f\r"}`, `a\u0000b\u202ec\u001b[31md\u009b \u2066k=\u200f\u000d`},
		{`{"msg":"say \"{,}\" \\","path":"C:\\","tab":"a\tb\nc","\u00fc":"\u00e9"}`, "say \"{,}\" \\ path=C:\\ tab=a\tb\nc ü=é"},
		{`{"ts":1,"msg":"bare","time":12}`, "bare ts=1"},
		{`{"msg":"no JSON","id":01}`, `{"msg":"no JSON","id":01}`},
		{`{"msg":{"a":1},"message":"text","empty":{}}`, `text msg={"a":1} empty={}`},
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.printed + "\n")
	}
	w.print(dir, "web", text.String()+"the last\n")
	d.await(shows("the last"))
	for _, line := range lines {
		if !evaluate[bool](b, shows(line.shown)) {
			t.Errorf("the page does not show %q", line.shown)
		}
	}
	b.noProblems()
}

// The end of a run is on the page once, also after the page has connected again.
func TestDashboardRunEnds(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	w.print(dir, "web", "of the first run\n")
	w.devports(dir, "down")
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	open := func(view string) {
		t.Helper()
		d.view(view)
		d.await(shows("of the first run"))
	}
	// once prints a line, and tests how many ends are on the page before it.
	once := func(line string, ends int) {
		t.Helper()
		w.print(dir, "web", line+"\n")
		d.await(shows(line))
		got := evaluate[[]string](b, `[...document.querySelectorAll("#lines .missing")].map(n => n.textContent)`)
		if len(got) != ends {
			t.Errorf("%q on the page, want %d", got, ends)
		}
	}
	open("checkout=shop&service=web&grep=run") // nothing of the second run yet
	evaluate[bool](b, `(() => {
		window.said = [];
		const connection = document.querySelector("#connection");
		new MutationObserver(() => said.push(connection.textContent)).observe(connection, {childList: true, characterData: true, subtree: true});
		return true;
	})()`)
	kill(t, w.frontPID())
	d.await(`said.includes("reconnecting")`)
	d.live()
	once("of the second run", 1)
	open("checkout=shop&service=web&grep=first|third")
	once("of the third", 1)
	w.devports(dir, "down")
	open("checkout=shop&service=web")
	d.await(`document.querySelector(".count").textContent == "ended"`)
	w.devports(dir, "up", "-d")
	d.await(states("shop", "ready"))
	once("of the next run", 2)
	b.noProblems()
}

// Above the lines of a run that has been removed are no later ones.
func TestDashboardRemovedRun(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	w.print(dir, "web", strings.Repeat("of the first run\n", 600)+"the last of it\n")
	w.devports(dir, "down")
	runs, err := filepath.Glob(filepath.Join(w.home, "logs", "*", "*Z"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("the store has %q, %v", runs, err)
	}
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	d.await(shows("the last of it"))
	w.print(dir, "web", "of the second run\n")
	d.await(shows("of the second run"))
	if err := os.RemoveAll(runs[0]); err != nil {
		t.Fatal(err)
	}
	d.press("g")
	d.await("log.start")
	if wrong := evaluate[string](b, `(() => {
		const texts = [...document.querySelectorAll("#lines .text")].map(n => n.textContent);
		return texts[0] == "of the first run" && texts.filter(t => t == "of the second run").length == 1 ? "" : texts.slice(0, 3).join("; ");
	})()`); wrong != "" {
		t.Errorf("the log begins with %s", wrong)
	}
	b.noProblems()
}

// Lines of two checkouts with the same services are never mixed.
func TestDashboardSwitching(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	stop := make(chan bool)
	done := make(chan bool, 2)
	for name, checkout := range map[string]string{"shop": dir, "shop (login)": worktree(dir)} {
		port := strings.TrimSpace(w.devports(checkout, "port", "web"))
		go func() {
			defer func() { done <- true }()
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
				}
				response, err := http.Post("http://127.0.0.1:"+port+"/print", "text/plain", strings.NewReader("of "+name+"\n"))
				if err != nil {
					return
				}
				response.Body.Close()
			}
		}()
	}
	defer func() {
		close(stop)
		<-done
		<-done
	}()
	d.await(shows("of shop") + `||` + shows("of shop (login)"))
	// It looks at each change, and at each frame.
	evaluate[bool](b, `(() => {
		window.mixed = []; window.seen = {};
		const look = () => {
			const title = document.querySelector("#pane-title").textContent.split(" / ")[0];
			for (const n of document.querySelectorAll("#lines .text")) {
				if (!n.textContent.startsWith("of ")) continue;
				seen[title] = (seen[title] || 0) + 1;
				if (n.textContent != "of " + title) mixed.push(title + " shows " + n.textContent);
			}
		};
		new MutationObserver(look).observe(document.querySelector("#pane"), {childList: true, subtree: true, characterData: true});
		const frame = () => { look(); requestAnimationFrame(frame); };
		frame();
		return true;
	})()`)
	for i := range 60 {
		id := []string{"shop", "shop-login"}[i%2]
		if i%3 == 0 {
			d.click(`[data-key=` + id + `] [data-key=web] .pick`)
		} else {
			d.click(`[data-key=` + id + `] .pick`)
		}
		time.Sleep(time.Duration(i%7) * 10 * time.Millisecond) // slower and faster than the lines
	}
	for _, title := range []string{"shop", "shop (login)"} {
		if title == "shop" {
			d.click(`[data-key=shop] .pick`)
		} else {
			d.click(`[data-key=shop-login] .pick`)
		}
		d.await(shows("of "+title) + fmt.Sprintf(" && seen[%q] > 0", title))
	}
	if mixed := evaluate[[]string](b, "mixed.slice(0, 5)"); len(mixed) > 0 {
		t.Errorf("%q", mixed)
	}
	b.noProblems()
}
