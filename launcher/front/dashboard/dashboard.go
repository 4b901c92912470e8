package dashboard

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
)

// Host is the host of the page, without port.
const Host = "devports.localhost"

// Options are those of a dashboard. Funcs may be called from any goroutine.
type Options struct {
	Port    int // of the front
	Runs    control.Runs
	Logs    logstore.Store
	Version string // of devports

	// Name returns the unique name of a checkout, the label of its host.
	Name func(Checkout) string
	// Head returns the branch and commit of a directory; "" if unknown.
	Head func(directory string) (branch, commit string)
	// Ended describes how a run ended.
	Ended func(logstore.Run) string
	// Explain describes why a request to the run of a checkout failed, and
	// what to do.
	Explain func(Checkout, error) (text, hint string)
	// NotRunning describes that a checkout does not run.
	NotRunning func(Checkout) (text, hint string)
	// Point points a port to a service; "" ends the point.
	Point func(ctx context.Context, port int, to Checkout, service string) error

	// Points returns the points.
	Points func() []Point
	// Announced returns a channel that is closed when the runs that the front
	// knows change.
	Announced func() <-chan struct{}
	// OtherUser reports whether the client is a process of another user.
	OtherUser func(*http.Request) bool
	// Opened is called when the number of open pages has changed.
	Opened func()
}

// Checkout identifies a checkout.
type Checkout struct{ Directory, Project, Worktree string }

// Point is a port that points to a service.
type Point struct {
	Port     int
	Checkout Checkout
	Service  string
	Running  bool
	Error    string // why the port does not point there
}

// Dashboard serves the page.
type Dashboard struct {
	options Options
	hub     *hub
	ctx     context.Context // done once it is closed
	close   context.CancelFunc

	mu   sync.Mutex
	open int // pages
}

// New returns a dashboard. Close it.
func New(o Options) *Dashboard {
	ctx, cancel := context.WithCancel(context.Background())
	return &Dashboard{options: o, hub: newHub(ctx, o), ctx: ctx, close: cancel}
}

// Close disconnects all pages. They connect to the next front by themselves.
func (d *Dashboard) Close() { d.close() }

// Open is the number of open pages.
func (d *Dashboard) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

func (d *Dashboard) opened(n int) {
	d.mu.Lock()
	d.open += n
	d.mu.Unlock()
	d.options.Opened()
}

//go:embed static
var embedded embed.FS

// static are the files of the page.
var static = sync.OnceValue(func() fs.FS {
	files, _ := fs.Sub(embedded, "static") // the directory is embedded
	return files
})

// staticVersion changes with the files of the page.
var staticVersion = sync.OnceValue(func() string {
	h := sha256.New()
	for _, name := range []string{"index.html", "app.js", "style.css"} {
		text, _ := fs.ReadFile(static(), name)
		h.Write(text)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
})

var contentTypes = map[string]string{
	"/":          "text/html; charset=utf-8",
	"/app.js":    "text/javascript; charset=utf-8",
	"/style.css": "text/css; charset=utf-8",
}

// Serves reports whether a request is for the page or what belongs to it. page
// says that a person's browser opens it.
func (d *Dashboard) Serves(r *http.Request, page bool) bool {
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/"), r.URL.Path == "/app.js", r.URL.Path == "/style.css":
		return true
	}
	return r.URL.Path == "/" && page
}

// ServeHTTP serves the requests for which Serves is true. Their host is [Host].
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'self'; connect-src 'self' ws://"+d.host()+"; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	if path, ok := strings.CutPrefix(r.URL.Path, "/api/"); ok {
		d.api(w, r, path)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		h.Set("Connection", "close") // the body has not been read
		http.Error(w, "devports: use GET", http.StatusMethodNotAllowed)
		return
	}
	name := r.URL.Path
	h.Set("Content-Type", contentTypes[name])
	if name == "/" {
		h.Add("Vary", "Accept")
		name = "/index.html"
	}
	text, err := fs.ReadFile(static(), strings.TrimPrefix(name, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(text) // fails if the client has gone
}

// host is the Host of all requests.
func (d *Dashboard) host() string { return Host + ":" + strconv.Itoa(d.options.Port) }

// api serves a request below /api.
func (d *Dashboard) api(w http.ResponseWriter, r *http.Request, path string) {
	get, post := map[string]http.HandlerFunc{"state": d.state, "lines": d.lines, "stream": d.stream}[path], d.actions()[path]
	switch {
	case get == nil && post == nil:
		fail(w, http.StatusNotFound, "this address does not exist", "")
		return
	case get != nil && r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET")
		fail(w, http.StatusMethodNotAllowed, "use GET", "")
		return
	case post != nil && r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		fail(w, http.StatusMethodNotAllowed, "use POST", "")
		return
	}
	if refused := d.refuse(r, path); refused != nil {
		fail(w, refused.status, refused.text, refused.hint)
		return
	}
	if get != nil {
		get(w, r)
	} else {
		post(w, r)
	}
}

// failure is the body of an error.
type failure struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func fail(w http.ResponseWriter, status int, text, hint string) {
	w.Header().Set("Connection", "close") // the body may not have been read
	respond(w, status, failure{text, hint})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the client has gone
}
