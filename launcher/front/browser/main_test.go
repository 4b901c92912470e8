package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
)

// TestMain makes this binary a service.
func TestMain(m *testing.M) {
	if name := os.Getenv("BROWSER_TEST_SERVICE"); name != "" {
		fmt.Println(serve(name))
		os.Exit(1)
	}
	code := m.Run()
	for _, clean := range cleanups {
		clean()
	}
	os.Exit(code)
}

// cleanups end what the tests share.
var cleanups []func()

// program is a devports that the tests share.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "devports")
	if err != nil {
		return "", err
	}
	cleanups = append(cleanups, func() { _ = os.RemoveAll(dir) })
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "devports"), "./cmd/devports")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return filepath.Join(dir, "devports"), nil
})

// serve is a service.
func serve(name string) error {
	page := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><p id=app>%s", name, text)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { page(w, fmt.Sprintf("%s %d", name, os.Getpid())) })
	http.HandleFunc("/print", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(os.Stdout, r.Body) })
	http.HandleFunc("/pace", func(w http.ResponseWriter, r *http.Request) {
		var rate, seconds int
		_, _ = fmt.Sscan(r.URL.Query().Get("rate"), &rate)
		_, _ = fmt.Sscan(r.URL.Query().Get("seconds"), &seconds)
		fmt.Fprint(w, pace(os.Stdout, rate, time.Duration(seconds)*time.Second))
	})
	http.HandleFunc("/cookies", func(w http.ResponseWriter, r *http.Request) { page(w, r.Header.Get("Cookie")) })
	http.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "own", Value: name, Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "shared", Value: name, Path: "/", Domain: r.URL.Query().Get("domain")})
		page(w, "set")
	})
	http.HandleFunc("/worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `addEventListener("activate", e => e.waitUntil(clients.claim()));
addEventListener("fetch", e => { if (e.request.url.endsWith("/offline")) e.respondWith(new Response("worker")) });`)
	})
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "retry: 50\ndata: %d\n\n", os.Getpid())
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	http.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, fmt.Appendf(nil, "%s %d", text, os.Getpid())) != nil {
				return
			}
		}
	})
	return http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)
}

// pace prints lines with a number and the time, in ms since 1970, at a rate. It
// returns how many.
func pace(to io.Writer, rate int, length time.Duration) (printed int) {
	began := time.Now()
	var lines []byte
	for passed := time.Duration(0); passed < length; passed = time.Since(began) {
		lines = lines[:0]
		for ; float64(printed) < passed.Seconds()*float64(rate); printed++ {
			lines = fmt.Appendf(lines, "line %d at %d\n", printed, time.Now().UnixMilli())
		}
		if _, err := to.Write(lines); err != nil {
			return printed
		}
		time.Sleep(time.Millisecond)
	}
	return printed
}

// world is a devports with runs of its own.
type world struct {
	t       *testing.T
	program string
	port    string // of named addresses
	home    string
	env     []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, program: path, home: t.TempDir()}
	w.port = freePort(t)
	runtime, err := os.MkdirTemp("", "b") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(runtime) })
	self, _ := filepath.Abs(os.Args[0])
	w.env = append(os.Environ(), "DEVPORTS_HOME="+w.home, "XDG_RUNTIME_DIR="+runtime, "DEVPORTS_FRONT="+w.port, "SERVICE="+self)
	return w
}

// freePort returns a port that is free.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// command runs a program in a directory.
func (w *world) command(dir, name string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, w.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (w *world) devports(dir string, args ...string) string {
	w.t.Helper()
	return w.command(dir, w.program, args...)
}

// project creates a project from its files.
func (w *world) project(name string, files map[string]string) string {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), name)
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

func (w *world) url(name, path string) string {
	return "http://" + name + ".localhost:" + w.port + path
}

// tab is a page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the console shows, and requests to other machines
	requests []string // method and path
}

// chromium is a browser that the tests share; "" if there is none.
var chromium = sync.OnceValues(func() (context.Context, error) {
	path := ""
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.CombinedOutput(io.Discard),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	cleanups = append(cleanups, func() {
		_ = chromedp.Cancel(ctx)
		closeTab()
		stop()
		_ = os.RemoveAll(dir)
	})
	return ctx, chromedp.Do(ctx)
})

// newBrowser returns a page of a browser that knows nothing.
func newBrowser(t *testing.T) *tab {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	if browser == nil {
		t.Skip("needs Chromium")
	}
	return newTab(t, browser, chromedp.WithNewBrowserContext())
}

// newTab opens another page of a browser.
func newTab(t *testing.T, browser context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser, options...)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		closeTab()
	})
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.watch); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

// watch records problems.
func (b *tab) watch(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	address := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			b.problems = append(b.problems, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.problems = append(b.problems, "console."+string(e.Type))
		}
	case *runtime.EventExceptionThrown:
		problem := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			problem += ": " + e.ExceptionDetails.Exception.Description
		}
		b.problems = append(b.problems, problem)
	case *network.EventWebSocketCreated:
		address = e.URL
	case *network.EventRequestWillBeSent:
		address = e.Request.URL
		if u, err := url.Parse(address); err == nil {
			b.requests = append(b.requests, e.Request.Method+" "+u.Path)
		}
	}
	u, err := url.Parse(address)
	if loopback := address == "" || err == nil && (u.Scheme == "data" || u.Hostname() == "127.0.0.1" || strings.HasSuffix(u.Hostname(), ".localhost")); !loopback {
		b.problems = append(b.problems, "a request for "+address)
	}
}

// sent is the number of requests of a method and path.
func (b *tab) sent(request string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if r == request {
			n++
		}
	}
	return n
}

// noProblems fails the test if there were any.
func (b *tab) noProblems() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		b.t.Error("the console shows: ", problem)
	}
}

// run returns the result of an action.
func run[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	result, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// call sends a command to the browser.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) navigate(url string) {
	b.t.Helper()
	run(b, chromedp.Navigate(url))
}

// open loads a page and returns the text of an element.
func (b *tab) open(url, selector string) (text string) {
	b.t.Helper()
	b.navigate(url)
	return evaluate[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// evaluate returns the result of a script; a promise is awaited.
func evaluate[T any](b *tab, script string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// await waits until a script is true.
func (b *tab) await(script string) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// It fails while another page is being loaded.
		if now, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err == nil && now {
			return
		}
	}
	b.t.Fatalf("not true: %s\nthe page: %s", script, evaluate[string](b, "location.hash + document.body.innerText.slice(0, 1500)"))
}
