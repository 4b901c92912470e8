package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// Info is what a run tells of itself.
type Info struct {
	PID       int               `json:"pid"`
	Since     time.Time         `json:"since"`
	Project   string            `json:"project"`
	Worktree  string            `json:"worktree,omitempty"`
	Directory string            `json:"directory"`
	Terminal  string            `json:"terminal,omitempty"`
	Ending    bool              `json:"ending,omitempty"` // all services are to end, and then the run
	Services  []launcher.Status `json:"services"`
	Inactive  []string          `json:"inactive,omitempty"` // services of its file that it has not started
	Refused   []Refusal         `json:"refused,omitempty"`  // why the latest edit is not followed

	// Temporary: the run ends with the last command that holds it, and so do the
	// services HeldOnly.
	Temporary bool     `json:"temporary,omitempty"`
	HeldOnly  []string `json:"held_only,omitempty"`
}

// Failure is the body of an answer that is an error.
type Failure struct {
	Error string   `json:"error"`
	Known []string `json:"known,omitempty"`
}

const (
	headerTimeout = 2 * time.Second

	// answerPatience is how long a client may take for an answer at the end.
	shutdownTimeout = 500 * time.Millisecond
	maxHeader       = 16 << 10 // bytes
)

// Listen makes the socket at path, for this user alone, in place of one that a
// run has left which is no more: the caller sees to it, by a lock, that no run
// serves it. The folder is made, closed to others, if it is not there; it has to
// be a directory of this user. The path of a socket may have some 100 bytes.
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

// Run is what is served.
type Run struct {
	About      Info // everything but Services
	Controller *launcher.Controller
	Output     *output.Tail
	Journal    *Journal
	Sync       Sync // nil: it follows no files

	// Starter is closed when the process has gone that has started the run, which
	// then ends with the last hold on it (see [Client.Hold]); nil: it does not.
	Starter <-chan struct{}

	note Note
}

// Serve serves a run on l until ctx is done, and what has been asked by then is
// answered.
func Serve(ctx context.Context, l net.Listener, run Run) error {
	holds := newHolds(run)
	holds.awaitStarter(ctx)
	return serve(ctx, l, run, holds)
}

// serve is Serve with holds, which outlive a socket.
func serve(ctx context.Context, l net.Listener, run Run, holds *holds) error {
	s := server{run, holds}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/run", s.identify)
	mux.HandleFunc("GET /v1/processes", s.processes)
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/wait", s.wait)
	mux.HandleFunc("GET /v1/logs", s.logs)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("POST /v1/start", s.steer(s.keeping(s.start)))
	mux.HandleFunc("POST /v1/stop", s.steer(s.stop))
	mux.HandleFunc("POST /v1/restart", s.steer(s.keeping(s.restart)))
	mux.HandleFunc("POST /v1/hold", s.hold)
	mux.HandleFunc("POST /v1/release", s.release)
	mux.HandleFunc("POST /v1/keep", s.keep)
	mux.HandleFunc("POST /v1/down", s.down)
	web := http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // the live view owns the terminal
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		last, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		_ = web.Shutdown(last)
		_ = web.Close()
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
	run   Run
	holds *holds
}

// wanted is do for services that then run because their user wants them, and not
// for holds alone.
func (s server) keeping(do func(ctx context.Context, asked time.Time, names ...string) error) func(context.Context, time.Time, ...string) error {
	return func(ctx context.Context, asked time.Time, names ...string) error {
		if err := do(ctx, asked, names...); err != nil {
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
	query, err := parseQuery(r.URL.RawQuery, "service", "keep")
	keep, bad := parseBool(query, "keep")
	if err = errors.Join(err, bad); err != nil {
		s.fail(w, requestError{err})
		return
	}
	settled := launcher.Status.Settled
	if keep {
		settled = func(st launcher.Status) bool {
			return st.Up() || st.State == launcher.StateStopped && !query.Has("service")
		}
	}
	services, refused, err := s.waitSettled(r.Context(), settled, query["service"])
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

// restart restarts services, but for those that have had a new process since the
// request came: an edit made just before has done that.
func (s server) restart(ctx context.Context, asked time.Time, names ...string) error {
	return s.run.Controller.RestartOlder(ctx, asked, names...)
}

// steer answers a request that something be done with services, once the run
// follows edits made before. do gets the time at which the request came.
func (s server) steer(do func(ctx context.Context, asked time.Time, names ...string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := time.Now()
		names, err := services(r)
		if err != nil {
			s.fail(w, requestError{err})
			return
		}
		refused := s.sync(r.Context(), true).Refused
		if err := do(r.Context(), asked, names...); err != nil {
			s.fail(w, err)
			return
		}
		s.answerStatus(w, r, refused)
	}
}

// fail answers a request that has failed.
func (s server) fail(w http.ResponseWriter, err error) { s.answer(w, nil, nil, err) }

func (s server) answer(w http.ResponseWriter, services []launcher.Status, refused []Refusal, err error) {
	info := s.info(services)
	info.Refused = refused
	var body any = info
	status := http.StatusOK
	var unknown *launcher.UnknownServiceError
	switch {
	case errors.As(err, new(requestError)):
		status, body = http.StatusBadRequest, Failure{Error: err.Error()}
	case errors.As(err, &unknown):
		status, body = http.StatusNotFound, Failure{Error: err.Error(), Known: unknown.Known}
	case errors.Is(err, ErrHeld):
		status, body = http.StatusLocked, Failure{Error: err.Error()}
	case err != nil:
		status, body = http.StatusConflict, Failure{Error: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

func (s server) info(services []launcher.Status) Info {
	info := s.run.About
	info.Ending = s.run.Controller.Ending()
	info.Inactive = s.run.Controller.Inactive(context.Background())
	info.Temporary, info.HeldOnly = s.holds.state()
	info.Services = services
	return info
}
