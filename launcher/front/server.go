package front

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/launcher/front/dashboard"
)

// Options are those of a front.
type Options struct {
	Listeners []net.Listener // for requests, on the loopback addresses
	Port      int            // of Listeners
	Socket    net.Listener   // for runs
	Idle      time.Duration  // how long it lives without runs
	Protocol  int            // 0 stands for Protocol

	Points PointSource // without Load: there are none

	// Dashboard describes the dashboard; nil: there is none. Serve sets the
	// fields that depend on the front.
	Dashboard *dashboard.Options

	// Abandoned reports, while there are no runs, that the front should end
	// without delay; nil: never.
	Abandoned func() bool
}

// silentTime is how long a connection on which nothing was received may stay
// open after the front has stopped listening. Browsers open some in advance,
// for which Shutdown would wait for 5 s.
const silentTime = 500 * time.Millisecond

// drainTime is how long the open requests may take after another front has
// taken over.
const drainTime = 10 * time.Second

// abandonedPoll is how often Abandoned is called.
const abandonedPoll = 500 * time.Millisecond

// Serve serves requests and runs until ctx is done, or until no run has been
// connected for a while, or until a run of a later protocol asks for it. It
// closes the listeners. yielded is called when it has stopped listening, before
// the last requests end.
func Serve(ctx context.Context, o Options, yielded func()) {
	if o.Protocol == 0 {
		o.Protocol = Protocol
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f := &front{options: o, table: newTable(), stop: stop, runs: map[*run]bool{}, idle: make(chan struct{}, 1)}
	f.pages = &pages{o.Port}
	f.proxy = newProxy(f.table, f.pages)
	forwarding, cut := context.WithCancel(context.Background())
	defer cut()
	f.points = newPoints(forwarding, f.table, o.Points)
	if o.Dashboard != nil {
		f.dashboard = f.newDashboard(*o.Dashboard)
		defer f.dashboard.Close()
	}
	// It has no timeouts: each costs up to 10 µs a request, as it may wake another
	// thread, and all clients are on this machine.
	web := &http.Server{Handler: f, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	silent := &silentConns{open: map[*strictConn]bool{}}
	for _, l := range o.Listeners {
		serving.Go(func() { _ = web.Serve(strictListener{l, silent}) })
	}
	serving.Go(func() { f.accept(ctx) })
	pointed := make(chan struct{})
	go func() {
		defer close(pointed)
		f.points.follow(ctx)
	}()
	f.awaitEnd(ctx)
	stop()
	<-pointed // the successor needs the ports
	o.Socket.Close()
	f.sendAll(fromFront{Yielded: true})
	for _, l := range o.Listeners {
		l.Close()
	}
	yielded()
	f.closeRuns()
	if f.dashboard != nil {
		f.dashboard.Close() // its pages connect to the successor
	}
	last, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	time.AfterFunc(silentTime, silent.close)
	_ = web.Shutdown(last)
	f.awaitRequests(last) // Shutdown does not wait for those that are WebSockets
	f.points.drain(last)
	_ = web.Close()
	serving.Wait()
}

// awaitRequests waits for the open requests. None may arrive any more.
func (f *front) awaitRequests(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.requests.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// front is a front that serves.
type front struct {
	options Options
	table   *table
	pages   *pages
	proxy   *proxy
	points  *points
	stop    context.CancelFunc
	idle    chan struct{} // receives a value when the number of runs or pages has changed

	dashboard *dashboard.Dashboard // nil: there is none

	requests sync.WaitGroup // the open requests

	mu     sync.Mutex // guards the fields below
	runs   map[*run]bool
	number int // of the latest run
}

// ServeHTTP answers a request by its Host.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	defer f.requests.Done()
	if r.Header["Upgrade"] != nil {
		w.Header().Set("Connection", "close") // unless it is upgraded: see requestScanner
	}
	if r.Method == http.MethodConnect {
		f.pages.write(w, r, http.StatusMethodNotAllowed, page{Title: "CONNECT", Error: "devports is not a proxy for other hosts"})
		return
	}
	n := parseName(r.Host)
	switch routes := f.table.routes(); n.kind {
	case nameService:
		f.proxy.serve(w, r, n)
	case nameHome:
		if f.dashboard != nil && f.dashboard.Serves(r, wantsPage(r)) {
			w.Header().Set(headerService, "-")
			f.dashboard.ServeHTTP(hijackable{w}, r)
			return
		}
		f.pages.all(w, r, routes)
	case nameSite:
		if s, ok := routes.sites[n.site]; ok {
			f.pages.site(w, r, s)
			return
		}
		f.pages.unknown(w, r, routes, n)
	case nameForeign:
		f.pages.foreign(w, r)
	default:
		f.pages.unknown(w, r, routes, n)
	}
}

// accept accepts runs.
func (f *front) accept(ctx context.Context) {
	for {
		conn, err := f.options.Socket.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				conn.Close()
			}
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // too many open files
			continue
		}
		go f.serveRun(conn)
	}
}

// helloTimeout is how long a run may take to identify itself.
const helloTimeout = 5 * time.Second

// serveRun receives the messages of a run.
func (f *front) serveRun(conn net.Conn) {
	defer conn.Close()
	p := newPeer(conn)
	_ = conn.SetReadDeadline(time.Now().Add(helloTimeout))
	var first fromRun
	err := p.receive(&first)
	if err == nil && first.Points != nil {
		states, err := f.points.reload(first.Points.Cut)
		response := pointsResponse{Points: states}
		if err != nil {
			response.Error = err.Error()
		}
		_ = p.send(fromFront{Points: &response})
		return
	}
	if err != nil || first.Hello == nil || first.Hello.Site == "" || first.Hello.Site == Home {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	r := f.add(first.Hello.Run, p)
	defer f.remove(r)
	if other := f.table.set(r, nil); other != nil {
		_ = p.send(fromFront{Refused: other.about.Directory})
		return
	}
	if p.send(fromFront{Welcome: &welcome{f.options.Protocol, f.options.Port, os.Getpid()}}) != nil {
		return
	}
	for {
		var m fromRun
		if p.receive(&m) != nil {
			return
		}
		switch {
		case m.Response != nil:
			r.received(*m.Response)
		case m.Yield && first.Hello.Protocol > f.options.Protocol:
			f.stop()
		case m.Drain != nil:
			go f.drain(r, *m.Drain)
		case m.Services != nil:
			f.table.set(r, m.Services)
		}
	}
}

func (f *front) add(about Run, p *peer) *run {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number++
	r := newRun(about, f.number, p)
	f.runs[r] = true
	f.changed()
	return r
}

func (f *front) remove(r *run) {
	close(r.gone)
	f.table.remove(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.runs, r)
	f.changed()
}

func (f *front) changed() {
	select {
	case f.idle <- struct{}{}:
	default:
	}
}

func (f *front) connected() []*run {
	f.mu.Lock()
	defer f.mu.Unlock()
	var runs []*run
	for r := range f.runs {
		runs = append(runs, r)
	}
	return runs
}

func (f *front) sendAll(m fromFront) {
	for _, r := range f.connected() {
		_ = r.peer.send(m)
	}
}

func (f *front) closeRuns() {
	for _, r := range f.connected() {
		r.peer.conn.Close()
	}
}

// inUse reports whether a page of the dashboard is open.
func (f *front) inUse() bool { return f.dashboard != nil && f.dashboard.Open() > 0 }

// awaitEnd returns when the front should end. While runs are connected, nothing
// wakes it. Pages of the dashboard keep it, too.
func (f *front) awaitEnd(ctx context.Context) {
	var since time.Time
	for {
		var check <-chan time.Time
		switch {
		case len(f.connected()) > 0:
			since = time.Time{}
		case f.inUse():
			since = time.Time{}
			if f.options.Abandoned != nil && f.options.Abandoned() {
				return
			}
			check = time.After(abandonedPoll)
		default:
			if since.IsZero() {
				since = time.Now()
			}
			left := f.options.Idle - time.Since(since)
			if left <= 0 || f.options.Abandoned != nil && f.options.Abandoned() {
				return
			}
			check = time.After(min(left, abandonedPoll))
		}
		select {
		case <-check:
		case <-f.idle:
		case <-ctx.Done():
			return
		}
	}
}
