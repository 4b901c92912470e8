package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/process"
)

// Announcement is a run that has services with names.
type Announcement struct {
	Place Place
	Run   Run
	// Start starts a front that claims the place.
	Start func() error
	// Services returns the services as they are now. It is called again
	// whenever Changed has received a value.
	Services func(context.Context) ([]Service, error)
	Changed  <-chan struct{}
	// Processes returns the pids of a service.
	Processes func(ctx context.Context, service string) ([]int, error)
	// Publishes reports whether a container of a service publishes its port on
	// an address; nil: there are no containers.
	Publishes func(ctx context.Context, service string, on netip.AddrPort) bool
	// Lines returns the last lines of a service's latest process, at most n; nil:
	// they are not shown.
	Lines func(service string, n int) []string
	// Note prints a message for the user.
	Note func(string)

	protocol int // 0 stands for Protocol
}

// Announced is a run that is announced until Stop is called.
type Announced struct {
	announcement Announcement
	connection   atomic.Pointer[drains] // nil: no front is connected
	cancel       context.CancelFunc
	done         sync.WaitGroup
}

// Announce gives the services of a run their names until Stop is called. It
// starts a front if there is none, and another one when that has died. It does
// not wait for anything.
func Announce(a Announcement) *Announced {
	if a.protocol == 0 {
		a.protocol = Protocol
	}
	ctx, cancel := context.WithCancel(context.Background())
	announced := &Announced{announcement: a, cancel: cancel}
	announced.done.Go(func() { announced.run(ctx) })
	return announced
}

// Stop removes the names.
func (a *Announced) Stop() {
	a.cancel()
	a.done.Wait()
}

// retryDelays are those between attempts to reach a front.
var retryDelays = []time.Duration{0, 100 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second}

// yieldTime is how long a run waits for the successor of a front that has
// yielded before it starts a front itself. Otherwise a run of an earlier
// protocol might be the first to start one.
const yieldTime = time.Second

func (announced *Announced) run(ctx context.Context) {
	a := announced.announcement
	noted := ""
	for failures := 0; ctx.Err() == nil; {
		conn, err := a.reach(ctx)
		if err == nil {
			err = announced.serve(ctx, conn)
		}
		var refused *refusedError
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errYielded):
			a.awaitSuccessor(ctx)
			continue
		case errors.Is(err, errClosed):
			failures = 0
			continue
		case errors.As(err, &refused), failures >= 1:
			if text := err.Error(); text != noted {
				noted = text
				a.Note("no named addresses: " + text)
			}
		}
		failures++
		select {
		case <-time.After(retryDelays[min(failures, len(retryDelays)-1)]):
		case <-ctx.Done():
		}
	}
}

// reachPoll is how often a run checks whether a front has started.
const reachPoll = 5 * time.Millisecond

// reach connects to the front, and starts one if necessary.
func (a Announcement) reach(ctx context.Context) (net.Conn, error) {
	if conn, err := a.Place.connect(ctx); err == nil {
		return conn, nil
	}
	a.Place.forget()
	if err := a.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		if reason := a.Place.failure(); reason != "" {
			return nil, errors.New(reason)
		}
		if conn, err := a.Place.connect(ctx); err == nil {
			return conn, nil
		}
		select {
		case <-time.After(reachPoll):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, errNoFront
}

func (a Announcement) awaitSuccessor(ctx context.Context) {
	for end := time.Now().Add(yieldTime); ctx.Err() == nil && time.Now().Before(end); time.Sleep(reachPoll) {
		if conn, err := a.Place.connect(ctx); err == nil {
			conn.Close()
			return
		}
	}
}

var errYielded = errors.New("the front has yielded")

// refusedError reports that another run has the name.
type refusedError struct{ site, directory string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("the run in %s has the name %s", e.directory, e.site)
}

// serve announces the run over a connection until it ends.
func (announced *Announced) serve(ctx context.Context, conn net.Conn) error {
	a := announced.announcement
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	p := newPeer(conn)
	if err := p.send(fromRun{Hello: &hello{a.protocol, a.Run}}); err != nil {
		return errClosed
	}
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	var first fromFront
	if err := p.receive(&first); err != nil {
		return fmt.Errorf("the front does not respond: %w", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	switch {
	case first.Refused != "":
		return &refusedError{a.Run.Site, first.Refused}
	case first.Yielded:
		return errYielded
	case first.Welcome == nil:
		return errors.New("the front speaks another protocol")
	case first.Welcome.Protocol < a.protocol:
		if p.send(fromRun{Yield: true}) != nil {
			return errClosed
		}
	}
	sending, cancel := context.WithCancel(ctx)
	var sender sync.WaitGroup
	drains := newDrains()
	announced.connection.Store(drains)
	sender.Go(func() { a.sendServices(sending, p, drains) })
	defer sender.Wait()
	defer cancel()
	defer close(drains.gone)
	defer announced.connection.Store(nil)
	for {
		var m fromFront
		if err := p.receive(&m); err != nil {
			return errClosed
		}
		switch {
		case m.Query != nil:
			q := *m.Query
			sender.Go(func() {
				if a := a.respond(sending, q); sending.Err() == nil {
					_ = p.send(fromRun{Response: &a})
				}
			})
		case m.Drained != 0:
			drains.drained(m.Drained)
		case m.Hint != nil:
			a.Note(m.Hint.text())
		case m.Note != "":
			a.Note(m.Note)
		case m.Yielded:
			if first.Welcome.Protocol < a.protocol {
				return errClosed // start its successor
			}
			return errYielded
		}
	}
}

// sendPause is the minimum time between two states of the services that are
// sent: when 50 services stop, to send each change would take as long as to stop
// them.
const sendPause = 10 * time.Millisecond

// sendServices sends the services, and again when they have changed, or before
// one is drained.
func (a Announcement) sendServices(ctx context.Context, p *peer, drains *drains) {
	var sent []Service
	var asked drainRequest
	for {
		services, err := a.Services(ctx)
		if err == nil && !slices.EqualFunc(services, sent, Service.equal) {
			if p.send(fromRun{Services: services}) != nil {
				p.conn.Close()
				return
			}
			sent = services
		}
		if asked.done != nil {
			d := drains.number(asked)
			if p.send(fromRun{Drain: &d}) != nil {
				p.conn.Close()
				return
			}
			asked = drainRequest{}
		}
		select {
		case <-time.After(sendPause):
		case asked = <-drains.requests:
			continue
		case <-ctx.Done():
			return
		}
		select {
		case <-a.Changed:
		case asked = <-drains.requests:
		case <-ctx.Done():
			return
		}
	}
}

// answer answers a question of the front.
func (a Announcement) respond(ctx context.Context, q query) queryResponse {
	if q.Lines > 0 {
		result := queryResponse{ID: q.ID}
		if a.Lines != nil {
			result.Lines = a.Lines(q.Service, q.Lines)
		}
		return result
	}
	pids, err := a.Processes(ctx, q.Service)
	if err != nil {
		pids = nil
	}
	if len(q.Sockets) == 0 {
		own, err := holder.ListenedBy(ctx, q.Port, pids)
		return queryResponse{ID: q.ID, Own: []bool{own && err == nil}}
	}
	var sockets []holder.Socket
	for _, s := range q.Sockets {
		sockets = append(sockets, holder.Socket{Address: s.Address, Inode: s.Inode, UID: s.UID})
	}
	result := queryResponse{ID: q.ID, Own: holder.Owns(pids, sockets)}
	for i, own := range result.Own {
		switch {
		case own:
		case a.Publishes != nil && alone(sockets, sockets[i].Address) && a.Publishes(ctx, q.Service, netip.AddrPortFrom(sockets[i].Address, uint16(q.Port))):
			result.Own[i] = true
		case runsAs(pids, sockets[i].UID):
			result.Own[i], result.Unverified = true, true
		}
	}
	return result
}

// alone reports whether one of the sockets has an address, and no other. An
// engine does not say which socket is the container's.
func alone(sockets []holder.Socket, addr netip.Addr) bool {
	n := 0
	for _, s := range sockets {
		if s.Address == addr {
			n++
		}
	}
	return n == 1
}

// runsAs reports whether one of the processes runs as another user, whose open
// files are not visible.
func runsAs(pids []int, uid string) bool {
	me := os.Geteuid()
	if me <= 0 || uid == strconv.Itoa(me) {
		return false
	}
	return slices.ContainsFunc(pids, func(pid int) bool {
		status, err := process.ReadStatus(pid)
		return err == nil && strconv.Itoa(status.User) == uid
	})
}

// text is the hint for the user.
func (h hint) text() string {
	found := fmt.Sprintf("%s responded with %d to its first request for %s", h.Service, h.Status, h.URL)
	if h.HostHeader != "" {
		return found + ": if it only allows certain origins, allow this one"
	}
	return found + `: if it only allows certain hosts or origins, allow this one, or set host_header = "localhost"`
}
