package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	os.Exit(m.Run())
}

// serve is a service.
func serve(name string) error {
	page := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><p id=app>%s", name, text)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { page(w, fmt.Sprintf("%s %d", name, os.Getpid())) })
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

// world is a devports with runs of its own.
type world struct {
	t       *testing.T
	program string
	port    string // of named addresses
	env     []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, program: filepath.Join(dir, "bin", "devports")}
	build := exec.Command("go", "build", "-o", w.program, "./cmd/devports")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.port = freePort(t)
	runtime, err := os.MkdirTemp("", "b") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(runtime) })
	self, _ := filepath.Abs(os.Args[0])
	w.env = append(os.Environ(), "DEVPORTS_HOME="+filepath.Join(dir, "home"), "XDG_RUNTIME_DIR="+runtime, "DEVPORTS_FRONT="+w.port, "SERVICE="+self)
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

// command runs a program in a folder.
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
}

// newBrowser starts a browser that knows nothing.
func newBrowser(t *testing.T) *tab {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("needs Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.CombinedOutput(io.Discard),
	)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
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
	problem := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			problem = e.Entry.Text
		}
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
	case *network.EventRequestWillBeSent:
		host, _, _ := strings.Cut(strings.TrimPrefix(e.Request.URL, "http://"), ":")
		if !strings.HasSuffix(host, ".localhost") && host != "data" {
			problem = "a request for " + e.Request.URL
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
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
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// It fails while another page is being loaded.
		if now, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err == nil && now {
			return
		}
	}
	b.t.Fatalf("not true: %s\nthe page: %s", script, evaluate[string](b, "document.body.innerText"))
}
