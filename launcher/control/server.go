package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// Info is the status of a run.
type Info struct {
	PID       int               `json:"pid"`
	Since     time.Time         `json:"since"`
	Project   string            `json:"project"`
	Worktree  string            `json:"worktree,omitempty"`
	Directory string            `json:"directory"`
	Terminal  string            `json:"terminal,omitempty"`
	Ending    bool              `json:"ending,omitempty"` // all services are stopping, then the run ends
	Services  []launcher.Status `json:"services"`
	Inactive  []string          `json:"inactive,omitempty"` // services of its Portfile that it has not started
	Refused   []Refusal         `json:"refused,omitempty"`  // why the latest edit was not applied
	NoFront   bool              `json:"no_front,omitempty"` // its services have no named addresses
	Warning   string            `json:"-"`                  // for live views; only from Watch

	// Temporary: the run ends with the last command that holds it. HeldOnly are
	// services that end with the last command that holds them.
	Temporary bool     `json:"temporary,omitempty"`
	HeldOnly  []string `json:"held_only,omitempty"`

	// Shared: it starts the services that all checkouts share; StartedBy started
	// it, and Holders use it.
	Shared    bool     `json:"shared,omitempty"`
	StartedBy string   `json:"started_by,omitempty"`
	Holders   []Holder `json:"holders,omitempty"`
}

// Failure is the body of an error response.
type Failure struct {
	Error string   `json:"error"`
	Known []string `json:"known,omitempty"`

	// The checkouts that need a shared service, with StatusLocked.
	Service   string   `json:"service,omitempty"`
	Checkouts []string `json:"checkouts,omitempty"`

	// The protocol and version of the run, for an unknown request or parameter.
	Protocol int    `json:"protocol,omitempty"`
	Version  string `json:"version,omitempty"`
}

const (
	headerTimeout = 10 * time.Second

	// shutdownTimeout is how long pending responses may take when the run ends:
	// again after each one if clients have received lines meanwhile, until
	// lastLinesTimeout.
	shutdownTimeout  = time.Second
	lastLinesTimeout = 5 * time.Second
	maxHeader        = 16 << 10 // bytes
)

// Listen creates a socket at path, for this user only. It replaces a stale
// socket: the caller holds a lock, so that no run serves it. It creates the
// directory if necessary, which must be a private directory of this user. The path
// may have about 100 bytes.
func Listen(path string) (net.Listener, error) {
	if err := makePrivate(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Run is the run to serve.
type Run struct {
	About      Info // only the fields that do not change: see [Claim.Serve]
	Controller *launcher.Controller
	Output     *output.Tail
	Journal    *Journal
	Sync       Sync           // nil: the run follows no files
	Shared     SharedCommands // nil: it uses no shared services
	Recorder   Recorder       // nil: the output of services is not recorded

	// Warning is what live views warn about. After a change of it, the Controller's
	// watchers must be notified. nil: nothing.
	Warning *atomic.Value

	// Starter is closed when the process that started the run has ended; the
	// run then ends with the last hold on it (see [Client.Hold]). nil: the run
	// does not depend on holds.
	Starter <-chan struct{}

	// Linger is how long a hold lasts after its client has disconnected.
	Linger time.Duration

	note Note
}

// Serve serves a run on l until ctx is done and pending requests are answered.
func Serve(ctx context.Context, l net.Listener, run Run) error {
	holds := newHolds(run)
	holds.awaitStarter(ctx)
	return serve(ctx, l, run, holds)
}

// serve is Serve with holds, which outlive a socket.
func serve(ctx context.Context, l net.Listener, run Run, holds *holds) error {
	s := server{run: run, holds: holds, attached: new(sync.WaitGroup), sent: new(atomic.Int64)}
	defer s.attached.Wait()
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.unknown)
	version := fmt.Sprintf("/v%d", Protocol)
	mux.HandleFunc("GET "+version+"/run", s.identify)
	mux.HandleFunc("GET "+version+"/processes", s.processes)
	mux.HandleFunc("GET "+version+"/status", s.status)
	mux.HandleFunc("GET "+version+"/wait", s.wait)
	mux.HandleFunc("GET "+version+"/logs", s.logs)
	mux.HandleFunc("GET "+version+"/recorded", s.recorded)
	mux.HandleFunc("GET "+version+"/events", s.events)
	mux.HandleFunc("GET "+version+"/watch", s.watch)
	mux.HandleFunc("GET "+version+"/output", s.output)
	mux.HandleFunc("GET "+version+"/inspect", s.inspect)
	mux.HandleFunc("POST "+version+"/attach", s.attach)
	mux.HandleFunc("POST "+version+"/start", s.command(s.keeping(s.start)))
	mux.HandleFunc("POST "+version+"/stop", s.splitShared(s.stop, func(c SharedCommands) func(context.Context, bool, ...string) error { return c.Stop }))
	mux.HandleFunc("POST "+version+"/restart", s.splitShared(s.keeping(s.restart), func(c SharedCommands) func(context.Context, bool, ...string) error { return c.Restart }))
	mux.HandleFunc("POST "+version+"/hold", s.hold)
	mux.HandleFunc("POST "+version+"/release", s.release)
	mux.HandleFunc("POST "+version+"/keep", s.keep)
	mux.HandleFunc("POST "+version+"/down", s.down)
	web := http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // the live view owns the terminal
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		s.shutDown(&web)
	})
	err := web.Serve(l)
	if !stop() {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

type server struct {
	run      Run
	holds    *holds
	attached *sync.WaitGroup // the connections that attach has taken over
	sent     *atomic.Int64   // counts the lines and blocks of output that clients were sent
}

// shutDown ends pending responses. Clients that follow the output receive its last
// lines, unless one is stuck.
func (s server) shutDown(web *http.Server) {
	defer web.Close()
	for end := time.Now().Add(lastLinesTimeout); ; {
		before := s.sent.Load()
		ctx, cancel := context.WithTimeout(context.Background(), min(shutdownTimeout, time.Until(end)))
		err := web.Shutdown(ctx)
		cancel()
		if err == nil || s.sent.Load() == before || time.Now().After(end) {
			return
		}
	}
}

// keeping wraps a command that starts services: they then outlast their holds,
// as their user wants them.
func (s server) keeping(do func(ctx context.Context, arrived time.Time, names ...string) error) func(context.Context, time.Time, ...string) error {
	return func(ctx context.Context, arrived time.Time, names ...string) error {
		if err := do(ctx, arrived, names...); err != nil {
			return err
		}
		return s.holds.keep(false, names...)
	}
}

func (s server) status(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "check", "sync")
	check, wrongCheck := parseBool(query, "check")
	sync, wrongSync := parseBool(query, "sync")
	if err = errors.Join(err, wrongCheck, wrongSync); err != nil {
		s.fail(w, requestError{err})
		return
	}
	var pending Pending
	if sync || !query.Has("sync") {
		pending = s.sync(r.Context(), false)
	}
	services, err := s.run.Controller.Status(r.Context())
	pending.markOutdated(services)
	if check && err == nil {
		err = s.markUnresponsive(r.Context(), services)
	}
	s.answer(w, services, pending.Refused, err)
}

func (s server) answerStatus(w http.ResponseWriter, r *http.Request, refused []Refusal) {
	services, err := s.run.Controller.Status(r.Context())
	s.answer(w, services, refused, err)
}

func (s server) wait(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "service", "keep", "sync")
	keep, wrongKeep := parseBool(query, "keep")
	sync, wrongSync := parseBool(query, "sync")
	if err = errors.Join(err, wrongKeep, wrongSync); err != nil {
		s.fail(w, requestError{err})
		return
	}
	settled := launcher.Status.Settled
	if keep {
		settled = func(st launcher.Status) bool {
			return st.Up() || st.State == launcher.StateStopped && !query.Has("service")
		}
	}
	services, refused, err := s.waitSettled(r.Context(), settled, sync || !query.Has("sync"), query["service"])
	s.answer(w, services, refused, err)
}

func (s server) down(w http.ResponseWriter, r *http.Request) {
	_, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	if err := s.run.Controller.Down(r.Context()); err != nil {
		s.fail(w, err)
		return
	}
	s.answerStatus(w, r, nil)
}

func (s server) start(ctx context.Context, _ time.Time, names ...string) error {
	return s.run.Controller.Start(ctx, names...)
}

func (s server) stop(ctx context.Context, _ time.Time, names ...string) error {
	return s.run.Controller.Stop(ctx, names...)
}

// restart restarts services, except those restarted since the request arrived,
// because of an edit just before it.
func (s server) restart(ctx context.Context, arrived time.Time, names ...string) error {
	return s.run.Controller.RestartOlder(ctx, arrived, names...)
}

// command serves a command for services, after the run has applied all edits
// made before the request. do gets the time of the request.
func (s server) command(do func(ctx context.Context, arrived time.Time, names ...string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		arrived := time.Now()
		names, err := services(r)
		if err != nil {
			s.fail(w, requestError{err})
			return
		}
		refused := s.sync(r.Context(), true).Refused
		if err := do(r.Context(), arrived, names...); err != nil {
			s.fail(w, err)
			return
		}
		s.answerStatus(w, r, refused)
	}
}

// unknown responds to requests of other versions of devports.
func (s server) unknown(w http.ResponseWriter, r *http.Request) {
	s.fail(w, unknownRequest{fmt.Errorf("unknown request %s %s", r.Method, r.URL.Path)})
}

// fail responds with an error.
func (s server) fail(w http.ResponseWriter, err error) { s.answer(w, nil, nil, err) }

func (s server) answer(w http.ResponseWriter, services []launcher.Status, refused []Refusal, err error) {
	info := s.info(services)
	info.Refused = refused
	var body any = info
	status := http.StatusOK
	var unknown *launcher.UnknownServiceError
	var shared *SharedError
	switch {
	case errors.As(err, new(unknownRequest)):
		status, body = http.StatusBadRequest, Failure{Error: err.Error(), Protocol: Protocol, Version: s.run.note.Version}
	case errors.As(err, new(requestError)):
		status, body = http.StatusBadRequest, Failure{Error: err.Error()}
	case errors.As(err, &unknown):
		status, body = http.StatusNotFound, Failure{Error: err.Error(), Known: unknown.Known}
	case errors.As(err, &shared):
		status, body = http.StatusLocked, Failure{Error: err.Error(), Service: shared.Service, Checkouts: shared.Checkouts}
	case errors.Is(err, ErrHeld):
		status, body = http.StatusLocked, Failure{Error: err.Error()}
	case errors.Is(err, launcher.ErrEnded), errors.Is(err, context.Canceled): // at the end of the run
		status, body = http.StatusConflict, Failure{Error: err.Error()}
	case err != nil:
		status, body = http.StatusInternalServerError, Failure{Error: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the client has disconnected
}

func (s server) info(services []launcher.Status) Info {
	info := s.run.About
	info.Ending = s.run.Controller.Ending()
	info.Inactive = s.run.Controller.Inactive(context.Background())
	info.Temporary, info.HeldOnly = s.holds.state()
	info.Shared, info.StartedBy, info.Holders = s.run.note.Shared, s.run.note.StartedBy, s.holds.list()
	info.Services = services
	return info
}

// warning is what live views warn about; "" for nothing.
func (r Run) warning() string {
	if r.Warning == nil {
		return ""
	}
	text, _ := r.Warning.Load().(string)
	return text
}
