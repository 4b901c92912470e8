package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/devports/devports/launcher"
)

// ErrHeld reports that services cannot be restarted because another command
// holds them.
var ErrHeld = errors.New("another command is using it")

// holds tracks the commands that need a run while they last, such as the tests
// of "devports run --up". A service that was started for holds stops with the
// last hold on it; a temporary run ends with the last hold of all.
type holds struct {
	run Run

	mu        sync.Mutex // guards the fields below
	needed    map[string][]string
	holders   map[string]string // checkouts, by hold, if that names one
	started   map[string]bool   // services started for holds, and not by the user since
	temporary bool
	ended     bool // the last hold on a temporary run was released
}

func newHolds(run Run) *holds {
	return &holds{run: run, needed: map[string][]string{}, holders: map[string]string{}, started: map[string]bool{}, temporary: run.Starter != nil}
}

// starterHold is the ID of the hold of the process that started the run.
const starterHold = "starter"

// awaitStarter holds a temporary run until the process that started it has
// ended.
func (h *holds) awaitStarter(ctx context.Context) {
	if h.run.Starter == nil {
		return
	}
	const id = starterHold
	h.needed[id] = nil
	go func() {
		select {
		case <-h.run.Starter:
			h.leave(id)
		case <-ctx.Done():
		}
	}()
}

// add adds a hold on the services named, and starts those that are not running.
// With fresh, it restarts the others; the error is ErrHeld if there is another
// hold.
func (h *holds) add(ctx context.Context, names []string, fresh bool, holder string) (id string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ended:
		return "", launcher.ErrEnded
	case fresh && len(h.needed) > 0:
		return "", ErrHeld
	}
	all, err := h.run.Controller.Status(ctx)
	if err != nil {
		return "", err
	}
	idle, busy := slices.Clone(names), []string(nil)
	for _, st := range all {
		stopped := st.Ended() && st.State != launcher.StateDone || st.StaysStopped
		if i := slices.Index(idle, st.Service); i >= 0 && !stopped {
			idle, busy = slices.Delete(idle, i, i+1), append(busy, st.Service)
		}
	}
	if len(idle) > 0 {
		if err := h.run.Controller.Start(ctx, idle...); err != nil {
			return "", err
		}
	}
	if fresh && len(busy) > 0 {
		if err := h.run.Controller.Restart(ctx, busy...); err != nil {
			return "", err
		}
	}
	for _, name := range idle {
		h.started[name] = true
	}
	id = rand.Text()
	h.needed[id] = names
	if holder != "" {
		h.holders[id] = holder
		delete(h.needed, starterHold) // it was for the first checkout that needs the services
	}
	return id, nil
}

// release ends a hold, and stops the services that were started for holds and
// are no longer held.
func (h *holds) release(id string) (stopped []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, held := h.needed[id]; !held {
		return nil
	}
	delete(h.needed, id)
	delete(h.holders, id)
	if h.temporary && len(h.needed) == 0 {
		h.ended = true
		_ = h.run.Controller.Down(context.Background()) // fails if the run has ended
		return nil
	}
	for name := range h.started {
		needs := func(names []string) bool { return slices.Contains(names, name) }
		if !anyValue(h.needed, needs) {
			stopped = append(stopped, name)
			delete(h.started, name)
		}
	}
	if len(stopped) > 0 {
		_ = h.run.Controller.Stop(context.Background(), stopped...)
	}
	return stopped
}

func anyValue[K comparable, V any](m map[K]V, is func(V) bool) bool {
	for _, v := range m {
		if is(v) {
			return true
		}
	}
	return false
}

// keep makes the services named, or without names all, outlast their holds,
// because the user wants them. With run, the run outlasts its holds, too.
func (h *holds) keep(run bool, names ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return launcher.ErrEnded
	}
	for _, name := range names {
		delete(h.started, name)
	}
	if len(names) == 0 {
		clear(h.started)
	}
	h.temporary = h.temporary && !run
	return nil
}

// state returns what ends with the last hold: the run, and the services started
// for holds.
func (h *holds) state() (temporary bool, started []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.started {
		started = append(started, name)
	}
	slices.Sort(started)
	return h.temporary, started
}

// holdResponse is the response to a hold.
type holdResponse struct {
	ID string `json:"hold"`
	Info
}

// hold serves a hold until its client disconnects or releases it.
func (s server) hold(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "service", "all", "fresh", "holder")
	var all, fresh bool
	if err == nil {
		all, err = parseBool(query, "all")
	}
	if err == nil {
		fresh, err = parseBool(query, "fresh")
	}
	if err == nil && all && query.Has("service") {
		err = errors.New("all and service are mutually exclusive")
	}
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	names := query["service"]
	if query.Has("holder") {
		s.sync(r.Context(), true)
	}
	if all {
		if names, err = s.everyService(r.Context()); err != nil {
			s.fail(w, err)
			return
		}
	}
	id, err := s.holds.add(r.Context(), names, fresh, query.Get("holder"))
	if err != nil {
		s.fail(w, err)
		return
	}
	defer s.holds.leave(id)
	services, err := s.run.Controller.Status(r.Context())
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(holdResponse{id, s.info(services)})
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done() // the client has disconnected, or the run ends
}

// everyService returns all services of the run, inactive ones included.
func (s server) everyService(ctx context.Context) ([]string, error) {
	names := s.run.Controller.Inactive(ctx)
	all, err := s.run.Controller.Status(ctx)
	for _, st := range all {
		if !slices.Contains(names, st.Service) {
			names = append(names, st.Service)
		}
	}
	return names, err
}

// release ends a hold, and responds once the services that this stops have
// ended, or are wanted again.
func (s server) release(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "hold")
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	if stopped := s.holds.release(query.Get("hold")); len(stopped) > 0 {
		_, err = s.run.Controller.Wait(r.Context(), func(st launcher.Status) bool { return st.Ended() || !st.StaysStopped }, stopped...)
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	s.answerStatus(w, r, nil)
}

func (s server) keep(w http.ResponseWriter, r *http.Request) {
	names, err := services(r)
	if err == nil {
		err = s.holds.keep(len(names) == 0, names...)
	} else {
		err = requestError{err}
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	s.answerStatus(w, r, nil)
}

// Hold keeps a run, and the services that were started for this process, from
// ending.
type Hold struct {
	Info Info // right after the hold began

	client Client
	id     string
	body   io.Closer
}

// Hold starts those of the services, or with all every service, that are not
// running, and keeps them running until it is released or this process ends.
// With fresh, it restarts the others. It returns the errors of Start, and
// ErrHeld.
func (c Client) Hold(ctx context.Context, services []string, all, fresh bool) (Hold, error) {
	query := url.Values{"service": services}
	if all {
		query.Set("all", "true")
	}
	if c.holder != "" {
		query.Set("holder", c.holder)
	}
	if fresh {
		query.Set("fresh", "true")
	}
	held, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	response, err := c.send(held, http.MethodPost, "hold", query)
	if err != nil {
		cancel()
		return Hold{}, errors.Join(ctx.Err(), err)
	}
	body := holdBody{response.Body, cancel}
	var answer holdResponse
	if response.StatusCode != http.StatusOK {
		err = responseError(response, services)
	} else if err = json.NewDecoder(response.Body).Decode(&answer); err != nil {
		err = c.unreachable(ctx, err)
	}
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		body.Close()
		return Hold{}, err
	}
	return Hold{answer.Info, c, answer.ID, body}, nil
}

// holdBody is the connection of a hold.
type holdBody struct {
	body   io.Closer
	cancel context.CancelFunc
}

func (b holdBody) Close() error {
	b.cancel()
	return b.body.Close()
}

// Close ends the hold without waiting.
func (h Hold) Close() { h.body.Close() }

// Release ends the hold and waits until the services that were started only for
// it have ended. If the run was started only for it, the run is then ending.
func (h Hold) Release(ctx context.Context) (Info, error) {
	defer h.body.Close()
	return h.client.do(ctx, http.MethodPost, "release", url.Values{"hold": {h.id}})
}

// Keep makes services of a run, or without names the whole run, outlast the
// holds on them.
func (c Client) Keep(ctx context.Context, services ...string) error {
	_, err := c.post(ctx, "keep", services)
	return err
}
