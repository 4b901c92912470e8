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

// inFlight counts the requests that the process of a service may have received.
// The service must not be restarted before they have been answered.
type inFlight struct {
	mu      sync.Mutex // guards the fields below
	n       int
	drained chan struct{} // closed once n is 0; nil: no goroutine waits
}

func (f *inFlight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n += n; f.n == 0 && f.drained != nil {
		close(f.drained)
		f.drained = nil
	}
}

// wait waits until there are none, but not longer than drainLimit.
func (f *inFlight) wait(gone <-chan struct{}) {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return
	}
	if f.drained == nil {
		f.drained = make(chan struct{})
	}
	drained := f.drained
	f.mu.Unlock()
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case <-drained:
	case <-gone:
	case <-limit.C:
	}
}

// inFlightRequest counts a request in one inFlight, or in none while the
// request waits for its service.
type inFlightRequest struct {
	mu     sync.Mutex // guards the fields below
	in     *inFlight  // nil: none
	closed bool       // it is counted no more
}

// enter counts the request in f.
func (q *inFlightRequest) enter(f *inFlight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.in == f {
		return
	}
	q.leaveLocked()
	f.add(1)
	q.in = f
}

// leave counts it no longer.
func (q *inFlightRequest) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leaveLocked()
}

func (q *inFlightRequest) leaveLocked() {
	if q.in != nil {
		q.in.add(-1)
		q.in = nil
	}
}

// close leaves for good. A connection that is still being made for the request
// will serve others.
func (q *inFlightRequest) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.leaveLocked()
}

// inFlightOf returns the requests in flight of a service.
func (r *run) inFlightOf(service string) *inFlight {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.inFlight[service]
	if !ok {
		f = &inFlight{}
		r.inFlight[service] = f
	}
	return f
}

// drain answers a run once a service, which is stopping, has no requests.
func (f *front) drain(r *run, d drain) {
	r.inFlightOf(d.Service).wait(r.gone)
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
