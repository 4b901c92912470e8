package browser

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const shop = `project = "shop"
[services]
web = "BROWSER_TEST_SERVICE=web exec $SERVICE"
api = "BROWSER_TEST_SERVICE=api exec $SERVICE"
`

// startShop starts a project and a worktree of it, named login.
func startShop(w *world) (dir string) {
	w.t.Helper()
	dir = w.project("shop", map[string]string{"Portfile": shop})
	login := filepath.Join(filepath.Dir(dir), "login")
	w.command(dir, "sh", "-ec", `git init -q; git add .; git -c user.name=a -c user.email=a commit -q -m x; git worktree add -q -b login "$0"`, login)
	for _, dir := range []string{dir, login} {
		w.devports(dir, "up", "-d")
	}
	for _, name := range []string{"web.shop", "api.shop", "web.shop-login", "api.shop-login"} { // which come a little later
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			request, _ := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+w.port+"/", nil)
			request.Host = name + ".localhost:" + w.port
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				response.Body.Close()
			}
			if err == nil && response.StatusCode == http.StatusOK {
				break
			}
			if time.Now().After(end) {
				w.t.Fatalf("%s does not answer", name)
			}
		}
	}
	return dir
}

func TestSites(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	b.navigate(w.url("web.shop", "/"))
	b.await(`document.querySelector("#app")?.textContent.startsWith("web ")`)

	t.Run("cookies", func(t *testing.T) {
		b.open(w.url("web.shop", "/set?domain=shop.localhost"), "#app")
		for name, want := range map[string]string{
			"web.shop":       "own=web; shared=web",
			"api.shop":       "shared=web", // Domain=shop.localhost
			"web.shop-login": "",
			"api.shop-login": "",
		} {
			if got := b.open(w.url(name, "/cookies"), "#app"); got != want {
				t.Errorf("%s gets the cookies %q, want %q", name, got, want)
			}
		}
		b.open(w.url("web.shop", "/set?domain=localhost"), "#app") // which browsers refuse
		if got := b.open(w.url("web.shop-login", "/cookies"), "#app"); got != "" {
			t.Errorf("web.shop-login gets %q", got)
		}
	})

	t.Run("service worker", func(t *testing.T) {
		b.open(w.url("web.shop", "/"), "#app")
		if !evaluate[bool](b, "isSecureContext") {
			t.Error("it is no secure context")
		}
		got := evaluate[string](b, `(async () => {
			await navigator.serviceWorker.register("/worker.js");
			await navigator.serviceWorker.ready;
			if (!navigator.serviceWorker.controller) await new Promise(done => navigator.serviceWorker.oncontrollerchange = done);
			return (await fetch("/offline")).text();
		})()`)
		if got != "worker" {
			t.Errorf("the service worker responds %q", got)
		}
		b.open(w.url("web.shop-login", "/"), "#app")
		if got := evaluate[string](b, `fetch("/offline").then(r => r.text())`); got == "worker" {
			t.Error("the worktree has the service worker of the main checkout")
		}
	})

	t.Run("streams", func(t *testing.T) { // also after a restart
		b.open(w.url("api.shop", "/"), "#app")
		evaluate[bool](b, `(() => {
			window.events = []; window.echoes = [];
			new EventSource("/events").onmessage = e => events.push(e.data);
			const connect = () => {
				const socket = new WebSocket("ws://" + location.host + "/socket");
				socket.onopen = () => socket.send("hello");
				socket.onmessage = e => echoes.push(e.data);
				socket.onclose = () => setTimeout(connect, 50);
			};
			connect();
			return true;
		})()`)
		b.await(`events.length == 1 && echoes.length == 1`)
		w.devports(dir, "restart", "api")
		b.await(`events.length == 2 && echoes.length == 2`)
		events, echoes := evaluate[[]string](b, "events"), evaluate[[]string](b, "echoes")
		for i, pid := range events {
			if echoes[i] != "hello "+pid {
				t.Errorf("events %q, echoes %q", events, echoes)
			}
		}
		if events[0] == events[1] {
			t.Errorf("the process was not restarted: %q", events)
		}
	})

	t.Run("a stopped service", func(t *testing.T) {
		w.devports(dir, "stop", "web")
		if got := b.open(w.url("web.shop", "/"), "h1"); got != "web is stopped" {
			t.Errorf("the page has the title %q", got)
		}
		b.await(`document.body.innerText.includes("devports start --dir")`)
		w.devports(dir, "start", "web")
		b.await(`document.querySelector("#app")?.textContent.startsWith("web ")`)
	})
	b.noProblems()
}

const app = `package main

import ("fmt"; "net/http"; "os")

func main() {
	fmt.Println("compiled")
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p id=app>the app") })
	fmt.Println(http.ListenAndServe("127.0.0.1:" + os.Getenv("PORT"), nil))
}
`

// The page of a service that starts shows its output, and turns into the app.
func TestStarting(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("slow", map[string]string{
		"Portfile": `[services.web]
command = "echo '<b>waiting</b>'; until [ -e more ]; do sleep 0.05; done; echo more; until [ -e go ]; do sleep 0.05; done; exec go run ./app.go"
ready_timeout = "2m"
[services.broken]
command = "echo cannot connect; exit 7"
restart = "no"
[services.elsewhere]
command = "BROWSER_TEST_SERVICE=elsewhere PORT=` + freePort(t) + ` exec $SERVICE"
`,
		"app.go": app,
	})
	up := exec.Command(w.program, "up")
	up.Dir, up.Env = dir, w.env
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Wait() //nolint:errcheck // TestStarting stops it
	defer func() { _ = up.Process.Signal(os.Interrupt) }()

	url := w.url("web.slow", "/some/page?x=1#there")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // until the front has started
		if chromedp.Do(b.ctx, chromedp.Navigate(url)) == nil {
			break
		}
	}
	b.await(`document.title.startsWith("web is starting")`) // before, there may be the page of an unknown name
	b.await(`document.querySelector("pre").textContent == "<b>waiting</b>"`)
	evaluate[bool](b, "window.same = true")
	if back := evaluate[string](b, "getComputedStyle(document.querySelector('pre')).borderTopStyle"); back != "solid" {
		t.Errorf("the page has no style: %s", back)
	}
	w.command(dir, "touch", "more")
	b.await(`document.querySelector("pre").textContent == "<b>waiting</b>\nmore"`)
	if !evaluate[bool](b, "window.same") {
		t.Error("the page was loaded again for a line")
	}
	looks(b, "starting")
	w.command(dir, "touch", "go")
	b.await(`document.querySelector("#app")?.textContent == "the app"`)
	if got := evaluate[string](b, "location.href"); got != url {
		t.Errorf("it is %s", got)
	}

	b.navigate(w.url("broken.slow", "/"))
	b.await(`document.querySelector("h1").textContent == "broken has failed" && document.querySelector("pre").textContent == "cannot connect"`)
	looks(b, "failed")
	b.navigate(w.url("elsewhere.slow", "/"))
	b.await(`document.querySelector("h1").textContent == "elsewhere listens on another port"`)
	looks(b, "elsewhere")
	b.navigate(w.url("slow", "/"))
	b.await(`document.querySelectorAll("li").length == 3`)
	looks(b, "site")
	b.navigate(w.url("nope.slow", "/"))
	b.await(`document.querySelector("h1").textContent == "Unknown name"`)
	looks(b, "unknown")
	b.navigate(w.url("devports", "/"))
	b.await(`!document.querySelector("#signin").hidden`)
	looks(b, "home")
	b.noProblems()
}

// looks tests that a page fits into narrow and wide windows, and with
// BROWSER_SCREENSHOTS=DIRECTORY writes how it looks there.
func looks(b *tab, name string) {
	b.t.Helper()
	for _, look := range []struct {
		name   string
		width  int64
		scheme string
	}{{"360", 360, "dark"}, {"1200", 1200, "light"}} {
		run(b, chromedp.EmulateViewport(look.width, 800))
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}},
		})
		picture := run(b, chromedp.CaptureScreenshot())
		if width := evaluate[int64](b, "document.documentElement.scrollWidth"); width > look.width {
			b.t.Errorf("%s is %d pixels wide in a window of %d", name, width, look.width)
		}
		if directory := os.Getenv("BROWSER_SCREENSHOTS"); directory != "" {
			if err := os.WriteFile(filepath.Join(directory, name+"-"+look.name+".png"), picture, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}
