package front

import (
	"context"
	"sync"
	"time"
)

// drainLimit is how long a service that is about to be restarted may take to
// finish its requests. Its run waits a little longer for the front, which may be
// busy. Only tests change them.
var (
	drainLimit = time.Second
	drainSlack = time.Second
)

// flight are the requests that the process of a service may have received. It is
// an error to restart the service before they have been answered.
type flight struct {
	mu     sync.Mutex // guards the fields below
	n      int
	landed chan struct{} // closed once n is 0; nil: nothing waits for that
}

func (f *flight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n += n; f.n == 0 && f.landed != nil {
		close(f.landed)
		f.landed = nil
	}
}

// wait waits until there are none, but not longer than drainLimit.
func (f *flight) wait(gone <-chan struct{}) {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return
	}
	if f.landed == nil {
		f.landed = make(chan struct{})
	}
	landed := f.landed
	f.mu.Unlock()
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case <-landed:
	case <-gone:
	case <-limit.C:
	}
}

// seat is the place of a request in a flight. A request has none while it waits
// for its service.
type seat struct {
	mu     sync.Mutex // guards the fields below
	flight *flight    // nil: it has none
	closed bool       // it takes none any more
}

// take takes a seat in f.
func (s *seat) take(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.flight == f {
		return
	}
	s.leaveLocked()
	f.add(1)
	s.flight = f
}

// leave gives the seat up.
func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked()
}

func (s *seat) leaveLocked() {
	if s.flight != nil {
		s.flight.add(-1)
		s.flight = nil
	}
}

// close gives the seat up for good. A connection that is still being made for the
// request will be for others.
func (s *seat) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.leaveLocked()
}

// flight returns that of a service.
func (r *run) flight(service string) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.flights[service]
	if !ok {
		f = &flight{}
		r.flights[service] = f
	}
	return f
}

// drain answers a run once a service, which is stopping, has no requests.
func (f *front) drain(r *run, d drain) {
	r.flight(d.Service).wait(r.gone)
	_ = r.peer.send(fromFront{Drained: d.ID})
}

// drains are the requests of a run to drain its services, over one connection.
type drains struct {
	requests chan drainRequest
	gone     chan struct{} // closed when the connection has ended

	mu   sync.Mutex // guards the fields below
	last int
	open map[int]chan struct{}
}

type drainRequest struct {
	service string
	done    chan struct{} // closed when the service is drained
}

func newDrains() *drains {
	return &drains{requests: make(chan drainRequest), gone: make(chan struct{}), open: map[int]chan struct{}{}}
}

// number returns the message for a request.
func (d *drains) number(r drainRequest) drain {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.open[d.last] = r.done
	return drain{d.last, r.service}
}

func (d *drains) drained(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done, ok := d.open[id]; ok {
		delete(d.open, id)
		close(done)
	}
}

// Drain returns once the front sends a service, which is stopping, no further
// requests, and those that it has sent have been answered. It waits for at most
// two seconds, and not at all without a front.
func (a *Announced) Drain(ctx context.Context, service string) {
	d := a.connection.Load()
	if d == nil {
		return
	}
	limit := time.NewTimer(drainLimit + drainSlack)
	defer limit.Stop()
	r := drainRequest{service, make(chan struct{})}
	select {
	case d.requests <- r:
	case <-d.gone:
		return
	case <-limit.C:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-r.done:
	case <-d.gone:
	case <-limit.C:
	case <-ctx.Done():
	}
}
