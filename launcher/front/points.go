package front

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/launcher"
)

// Point is a port of the loopback addresses that points to a service of one
// checkout, as raw TCP.
type Point struct {
	Port      int
	Service   string // or one of its named ports: "web:metrics"
	Project   string
	Worktree  string
	Directory string
}

// PointState describes what becomes of connections to a point.
type PointState struct {
	Port    int    `json:"port"`
	Running bool   `json:"running,omitempty"` // connections are forwarded; otherwise they are refused
	Error   string `json:"error,omitempty"`   // why the front does not have the port
	Open    int    `json:"open,omitempty"`    // the connections
}

// PointSource returns the points of the user.
type PointSource struct {
	Load func() ([]Point, error)
	// Gone reports whether a directory no longer exists: its checkout may have
	// been moved.
	Gone func(directory string) bool
}

// points forwards connections to the services of points. follow owns the ports;
// mu guards everything else.
type points struct {
	table  *table
	source PointSource

	applying sync.Mutex // held by apply
	held     map[int]*heldPoint
	noted    map[notedFailure]bool

	mu     sync.Mutex
	ctx    context.Context // of connections
	wanted []Point
	conns  map[*pointConn]bool
}

// notedFailure is a port that is taken, as reported to a run.
type notedFailure struct{ run, port int }

func newPoints(ctx context.Context, t *table, source PointSource) *points {
	return &points{table: t, source: source, ctx: ctx, held: map[int]*heldPoint{}, noted: map[notedFailure]bool{}, conns: map[*pointConn]bool{}}
}

// retryPorts is how often points look for a port that another program has.
const retryPorts = 2 * time.Second

// follow takes the ports of the points, and listens on those whose service
// runs, until ctx ends. Then it gives up the ports; connections stay open.
func (p *points) follow(ctx context.Context) {
	if p.source.Load == nil {
		return
	}
	p.reload(nil)
	for {
		routes := p.table.routes()
		var retry <-chan time.Time
		if p.apply() {
			retry = time.After(retryPorts)
		}
		select {
		case <-routes.changed:
		case <-retry:
		case <-ctx.Done():
			p.applying.Lock()
			defer p.applying.Unlock()
			for _, h := range p.held {
				h.close()
			}
			p.held = nil
			return
		}
	}
}

// reload reads the points again, and resets the connections of the ports in cut.
// New connections follow the points once it has returned, and those that were cut
// have ended.
func (p *points) reload(cut []int) ([]PointState, error) {
	if p.source.Load == nil {
		return nil, errors.New("this front has no points")
	}
	points, err := p.source.Load()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.wanted = points
	var ending []*pointConn
	for c := range p.conns {
		if slices.Contains(cut, c.port) {
			c.cancel()
			ending = append(ending, c)
		}
	}
	p.mu.Unlock()
	for _, c := range ending {
		<-c.ended
	}
	p.apply()
	return p.states(), nil
}

// list returns the points.
func (p *points) list() []Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

func (p *points) states() (list []PointState) {
	p.applying.Lock()
	defer p.applying.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, point := range p.wanted {
		s := PointState{Port: point.Port}
		if h := p.held[point.Port]; h != nil && h.err == nil {
			s.Running = h.running
		} else if h != nil {
			s.Error = h.err.Error()
		}
		for c := range p.conns {
			if c.port == point.Port {
				s.Open++
			}
		}
		list = append(list, s)
	}
	return list
}

// apply takes ports, and starts and stops listening on them. It reports whether
// another program has one of them.
func (p *points) apply() (failed bool) {
	p.applying.Lock()
	defer p.applying.Unlock()
	if p.held == nil {
		return false // it has ended
	}
	p.mu.Lock()
	wanted := p.wanted
	p.mu.Unlock()
	for port, h := range p.held {
		if !slices.ContainsFunc(wanted, func(w Point) bool { return w.Port == port }) {
			h.close()
			delete(p.held, port)
		}
	}
	for _, w := range wanted {
		h := p.held[w.Port]
		if h == nil || h.err != nil {
			h = p.hold(w.Port)
			p.held[w.Port] = h
		}
		if _, h.running = p.backend(w); h.running {
			h.listen()
		} else {
			h.stopListening()
		}
		if h.err != nil {
			failed = true
			p.note(w, h.err)
		}
	}
	return failed
}

// note reports to the run that a point is of that its port is taken.
func (p *points) note(w Point, err error) {
	s, ok := p.site(w)
	if !ok {
		return
	}
	n := notedFailure{s.run.number, w.Port}
	if !p.noted[n] {
		p.noted[n] = true
		_ = s.run.peer.send(fromFront{Note: fmt.Sprintf("port %d does not point to %s: %v (to see which process: devports who %[1]d)", w.Port, w.Service, err)})
	}
}

// site returns the run of the checkout that a point is of.
func (p *points) site(point Point) (site, bool) {
	sites := p.table.routes().sites
	for _, s := range sites {
		if about := s.run.about; about.Directory == point.Directory && about.Worktree == point.Worktree {
			return s, true
		}
	}
	for _, s := range sites {
		if about := s.run.about; about.Project == point.Project && about.Worktree == point.Worktree && p.source.Gone(point.Directory) {
			return s, true // the checkout was moved
		}
	}
	return site{}, false
}

// backend returns the process that a point points to, if it is ready.
func (p *points) backend(point Point) (backend, bool) {
	s, ok := p.site(point)
	if !ok {
		return backend{}, false
	}
	service, port, named := strings.Cut(point.Service, ":")
	for _, sv := range s.services {
		if sv.Name == service {
			if named {
				sv.Port = sv.NamedPorts[port]
			}
			return newBackend(s.run, sv), sv.State == launcher.StateReady && sv.Port != 0
		}
	}
	return backend{}, false
}

// target returns the point of a port, as it is now.
func (p *points) target(port int) (backend, bool) {
	for _, point := range p.wanted {
		if point.Port == port {
			return p.backend(point)
		}
	}
	return backend{}, false
}

// pointsRequest asks a front to read the points again.
type pointsRequest struct {
	Cut []int `json:"cut,omitempty"` // the ports whose connections end
}

// pointsResponse is the response to a pointsRequest.
type pointsResponse struct {
	Points []PointState `json:"points"`
	Error  string       `json:"error,omitempty"`
}

// ErrNoPoints reports a front of an earlier version.
var ErrNoPoints = errors.New("the front does not know points")

// ReloadPoints makes the front read the points again, and end the open
// connections of the ports in cut. running is false if there is no front. The
// error is ErrNoPoints, or why the front cannot read them.
func (p Place) ReloadPoints(ctx context.Context, cut ...int) (states []PointState, running bool, err error) {
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, false, nil
	}
	defer conn.Close()
	peer := newPeer(conn)
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	if err := peer.send(fromRun{Points: &pointsRequest{cut}}); err != nil {
		return nil, true, fmt.Errorf("the front does not respond: %w", err)
	}
	var m fromFront
	if err := peer.receive(&m); errors.Is(err, errClosed) || err == nil && m.Points == nil {
		return nil, true, ErrNoPoints
	} else if err != nil {
		return nil, true, fmt.Errorf("the front does not respond: %w", err)
	}
	if m.Points.Error != "" {
		return nil, true, errors.New(m.Points.Error)
	}
	return m.Points.Points, true, nil
}
