package front

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devports/devports/allocator/holder"
)

// run is a run that is connected to this front.
type run struct {
	about  Run
	number int // differs from that of every other run
	peer   *peer
	gone   chan struct{} // closed when it has disconnected

	anyUnverified atomic.Bool // one of verified is true

	mu        sync.Mutex // guards the fields below
	queries   int
	responses map[int]chan queryResponse
	verified  map[verifiedKey]bool     // sockets that belong to a service; true: unverified
	ports     map[string]portResponse  // where sockets are not identified
	hinted    map[string]hintedProcess // by service
	inFlight  map[string]*inFlight     // by service
}

type verifiedKey struct {
	service string
	cookie  uint64
}

// portResponse is a response to a query without sockets.
type portResponse struct {
	own bool
	at  time.Time
}

// hintedProcess is the latest process of a service that has responded.
type hintedProcess struct {
	pid, restarts int
	hinted        bool // there was a hint, for this process or an earlier one
}

func newRun(about Run, number int, p *peer) *run {
	return &run{
		about: about, number: number, peer: p, gone: make(chan struct{}),
		responses: map[int]chan queryResponse{}, verified: map[verifiedKey]bool{}, ports: map[string]portResponse{}, hinted: map[string]hintedProcess{}, inFlight: map[string]*inFlight{},
	}
}

// queryTimeout is how long a run may take to look at its processes.
const queryTimeout = 5 * time.Second

var errNoResponse = errors.New("its devports up does not respond")

func (r *run) query(ctx context.Context, q query) (queryResponse, error) {
	received := make(chan queryResponse, 1)
	r.mu.Lock()
	r.queries++
	q.ID = r.queries
	r.responses[q.ID] = received
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.responses, q.ID)
		r.mu.Unlock()
	}()
	if err := r.peer.send(fromFront{Query: &q}); err != nil {
		return queryResponse{}, errNoResponse
	}
	timeout := time.NewTimer(queryTimeout)
	defer timeout.Stop()
	select {
	case a := <-received:
		return a, nil
	case <-r.gone:
		return queryResponse{}, errNoResponse
	case <-timeout.C:
		return queryResponse{}, errNoResponse
	case <-ctx.Done():
		return queryResponse{}, ctx.Err()
	}
}

func (r *run) received(a queryResponse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.responses[a.ID]; ok {
		delete(r.responses, a.ID)
		c <- a
	}
}

// lines returns the last lines of a service's latest process; nil if the run does
// not answer.
func (r *run) lines(ctx context.Context, s Service, n int) []string {
	a, _ := r.query(ctx, query{Service: s.Name, Lines: n})
	return a.Lines
}

// maxVerified bounds the cache of sockets. The front asks again about a socket
// that it has forgotten.
const maxVerified = 1000

// owns reports whether all sockets belong to a service. Answers are kept by the
// sockets' cookies, only if they are yes.
func (r *run) owns(ctx context.Context, s Service, sockets []holder.Socket) (bool, error) {
	var unknown []holder.Socket
	r.mu.Lock()
	for _, socket := range sockets {
		if _, ok := r.verified[verifiedKey{s.Name, socket.Cookie}]; !ok {
			unknown = append(unknown, socket)
		}
	}
	r.mu.Unlock()
	if len(unknown) == 0 {
		return true, nil
	}
	a, err := r.query(ctx, query{Service: s.Name, Port: s.Port, Sockets: socketsOf(unknown)})
	if err != nil || len(a.Own) != len(unknown) {
		return false, errors.Join(err, ctx.Err())
	}
	all := true
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.verified) > maxVerified {
		clear(r.verified)
	}
	for i, socket := range unknown {
		all = all && a.Own[i]
		if a.Own[i] {
			r.verified[verifiedKey{s.Name, socket.Cookie}] = a.Unverified
			if a.Unverified {
				r.anyUnverified.Store(true)
			}
		}
	}
	return all, nil
}

// portTime is how long an answer about a port counts.
const portTime = time.Second

// ownsPort is owns where sockets are not identified.
func (r *run) ownsPort(ctx context.Context, b backend) (bool, error) {
	r.mu.Lock()
	known, ok := r.ports[b.key]
	r.mu.Unlock()
	if ok && time.Since(known.at) < portTime {
		return known.own, nil
	}
	a, err := r.query(ctx, query{Service: b.service.Name, Port: b.service.Port})
	if err != nil || len(a.Own) != 1 {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ports) > maxVerified {
		clear(r.ports)
	}
	r.ports[b.key] = portResponse{a.Own[0], time.Now()}
	return a.Own[0], nil
}

// unverified reports whether the only evidence for a service is the user of its
// sockets.
func (r *run) unverified(service string) bool {
	if !r.anyUnverified.Load() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, unverified := range r.verified {
		if key.service == service && unverified {
			return true
		}
	}
	return false
}

// first reports whether this is the first response of a process, and no process
// of the service has refused its first request.
func (r *run) first(s *Service, refused bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, responded := r.hinted[s.Name]
	same := last.pid == s.PID || last.pid == 0 || s.PID == 0 // 0: what is known of the service is from before its process had a pid
	if responded && same && last.restarts == s.Restarts {
		return false
	}
	r.hinted[s.Name] = hintedProcess{s.PID, s.Restarts, last.hinted || refused}
	return !last.hinted
}
