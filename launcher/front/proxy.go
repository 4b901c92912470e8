package front

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devports/devports/launcher"
)

// Headers of the front.
const (
	// headerService names the service that answers: "shop/login/web". It is on
	// every response.
	headerService = "X-Devports"
	// headerVia lists the services that a request has passed through. Services
	// that forward their requests forward it, too.
	headerVia = "X-Devports-Via"
)

// waitTime is how long a request waits for its service.
const waitTime = 10 * time.Second

// pageTime is how long a person waits for a page that says that a service is
// not ready yet. Most services are ready by then.
const pageTime = 300 * time.Millisecond

// listenPoll is how often a waiting request checks whether the service listens:
// no event reports that.
const listenPoll = 20 * time.Millisecond

// proxy forwards requests to services.
type proxy struct {
	table   *table
	pages   *pages
	reverse httputil.ReverseProxy
	idle    *time.Timer // closes idle connections; reset when one is opened
}

// idleTime is how long connections to services are kept, at least. A timer for
// each connection would be reset by each request.
const idleTime = 90 * time.Second

// flushDelay is how long a part of a response of known length may wait for the
// next one, so that most responses need one write. ReverseProxy forwards others
// without delay, and event streams.
const flushDelay = 5 * time.Millisecond

// target is what a request is for, in its context.
type target struct {
	backend  // as of the latest attempt
	name     name
	page     bool // a person waits for it
	arrived  time.Time
	inFlight *inFlightRequest
	sent     *atomic.Bool // a process may have received it
}

type targetKey struct{}

func targetOf(ctx context.Context) *target { return ctx.Value(targetKey{}).(*target) }

func newProxy(t *table, pages *pages) *proxy {
	p := &proxy{table: t, pages: pages}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			p.idle.Reset(idleTime)
			t := targetOf(ctx)
			if t.sent.Load() {
				return p.dialAgain(ctx, *t)
			}
			return p.dial(ctx, *t)
		},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		ExpectContinueTimeout:  time.Second,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
		MaxResponseHeaderBytes: 1 << 20,
	}
	p.idle = time.AfterFunc(idleTime, transport.CloseIdleConnections)
	p.reverse = httputil.ReverseProxy{
		Rewrite: rewrite, Transport: transport, FlushInterval: flushDelay, BufferPool: &buffers{},
		ModifyResponse: p.modify, ErrorHandler: p.failed,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return p
}

// buffers are for copying bodies.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buf []byte) { b.pool.Put(&buf) }

// addressParts are the X-Forwarded headers, besides those that SetXForwarded
// sets, in which another proxy passes parts of the address of the original
// request. rewrite removes them: together with the host that SetXForwarded
// sets, they would make a wrong address. Other X-Forwarded headers pass, such
// as that of the user who has signed in.
var addressParts = []string{"Port", "Prefix", "Protocol", "Scheme", "Server", "Ssl"}

func rewrite(r *httputil.ProxyRequest) {
	t := targetOf(r.In.Context())
	r.Out.URL.Scheme, r.Out.URL.Host = "http", t.key
	r.Out.URL.RawPath = escapePath(r.In.URL.RawPath)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // the service parses it; ReverseProxy drops what Go does not accept
	r.Out.Host = r.In.Host
	if t.service.HostHeader != "" {
		r.Out.Host = t.service.HostHeader
	}
	r.Out.Trailer = r.In.Trailer // which is filled in at the end of the body
	for _, part := range addressParts {
		r.Out.Header.Del("X-Forwarded-" + part)
	}
	r.SetXForwarded()
	via := t.label
	if before := r.In.Header.Values(headerVia); len(before) > 0 {
		via = strings.Join(append(slices.Clone(before), via), ", ")
	}
	r.Out.Header.Set(headerVia, via)
}

// escapePath escapes the bytes of a path that net/url does not leave as they are.
// For their sake, it would encode the decoded path, in which %2F is a slash.
func escapePath(raw string) string {
	var b strings.Builder
	for _, c := range []byte(raw) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~!$&'()*+,;=:@/[]%", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request, n name) {
	routes := p.table.routes()
	b, ok := routes.find(n)
	if !ok {
		p.pages.unknown(w, r, routes, n)
		return
	}
	t := target{b, n, wantsPage(r), time.Now(), &inFlightRequest{}, &atomic.Bool{}}
	defer t.inFlight.close()
	switch {
	case visited(r, b):
		w.Header().Set(headerService, b.label)
		p.pages.loop(w, r, b)
	case r.Header.Get(headerPage) != "":
		w.Header().Set(headerService, b.label)
		p.servePage(w, r, b)
	default:
		t, err := p.admit(r.Context(), t)
		if err != nil {
			w.Header().Set(headerService, t.label)
			p.pages.unavailable(w, r, t.backend, err)
			return
		}
		ctx := context.WithValue(r.Context(), targetKey{}, &t)
		r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { t.sent.Store(true) }}))
		if r.Body != http.NoBody {
			// Otherwise net/http drops what the client still sends, once the
			// service responds.
			_ = http.NewResponseController(w).EnableFullDuplex()
		}
		p.reverse.ServeHTTP(forwarded{hijackable{w}, r.Header["Upgrade"] != nil}, r)
	}
}

// servePage responds to the script of a page that was shown instead of a service.
func (p *proxy) servePage(w http.ResponseWriter, r *http.Request, b backend) {
	err := errNotListening
	if mayAnswer(b.service) {
		conn, failed := b.dial(r.Context())
		if failed == nil {
			conn.Close()
			p.pages.write(w, r, http.StatusOK, page{Title: "the service itself"})
			return
		}
		err = failed
	}
	p.pages.unavailable(w, r, b, err)
}

// admit waits until the service of a target may get requests. Once it returns,
// the service is not restarted before this request has been answered. Before,
// nothing of the request has been read. The error is errMoved, errNotListening,
// or that of ctx.
func (p *proxy) admit(ctx context.Context, t target) (target, error) {
	for {
		routes := p.table.routes()
		b, ok := routes.find(t.name)
		if ok && (b.label != t.label || b.run.about.Directory != t.run.about.Directory) {
			return t, errMoved
		}
		if ok {
			t.backend = b
		}
		if ok && mayAnswer(b.service) {
			t.inFlight.enter(b.run.inFlightOf(b.service.Name))
			if p.table.routes() == routes {
				return t, nil
			}
			t.inFlight.leave() // the service may be stopping
			continue
		}
		if !t.waits() {
			return t, errNotListening
		}
		if err := await(ctx, routes, t.maxWait()-time.Since(t.arrived)); err != nil {
			return t, err
		}
	}
}

// await waits for a while, or for other routes.
func await(ctx context.Context, routes *routes, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-routes.changed:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// dial connects to the service of a target that was admitted. It waits while
// the service does not listen.
func (p *proxy) dial(ctx context.Context, t target) (net.Conn, error) {
	for {
		routes := p.table.routes()
		conn, err := t.backend.dial(ctx)
		if err == nil {
			return conn, nil
		}
		if !mayPass(err, t.service) || !t.waits() {
			return nil, err
		}
		t.inFlight.leave()
		if err := await(ctx, routes, listenPoll); err != nil {
			return nil, err
		}
		if t, err = p.admit(ctx, t); err != nil {
			return nil, err
		}
	}
}

// dialAgain is dial for a request that its process may have received. The
// transport retries it, since a service may close an idle connection at any
// time. If the process has ended instead, the error is errLost: the next
// process must not get the request, which might crash it, too.
func (p *proxy) dialAgain(ctx context.Context, t target) (net.Conn, error) {
	if now, ok := p.table.routes().find(t.name); !ok || now.key != t.key {
		return nil, errLost
	}
	conn, err := t.backend.dial(ctx)
	if errors.Is(err, errNotListening) || errors.Is(err, errChanged) {
		return nil, errLost
	}
	return conn, err
}

// errLost reports that a process has ended before it responded.
var errLost = errors.New("its process has ended")

// mayPass reports whether a service may be reached although that has failed. A
// process that listens before its pid is known is taken for another one.
func mayPass(err error, s *Service) bool {
	var wrong *wrongListenerError
	if errors.As(err, &wrong) {
		return s.State == launcher.StateStarting && s.PID == 0
	}
	return errors.Is(err, errNotListening) || errors.Is(err, errChanged) || errors.Is(err, errNoResponse)
}

// errMoved reports that a name has become that of another checkout.
var errMoved = errors.New("this name now belongs to another checkout")

// mayAnswer reports whether a service has a process that accepts requests. One
// that is stopping may drop them.
func mayAnswer(s *Service) bool {
	switch s.State {
	case launcher.StateReady, launcher.StateStarting:
		return true
	}
	return false
}

// visited reports whether the request has passed through a service already.
func visited(r *http.Request, b backend) bool {
	for _, via := range r.Header.Values(headerVia) {
		for v := range strings.SplitSeq(via, ",") {
			if strings.TrimSpace(v) == b.label {
				return true
			}
		}
	}
	return false
}

// maxWait returns how long a request waits for its service at most.
func (t target) maxWait() time.Duration {
	first := t.service.Restarts == 0 && (t.service.State == launcher.StateWaiting || t.service.State == launcher.StateStarting)
	if t.page && first {
		return pageTime
	}
	return waitTime
}

// waits reports whether a service that cannot answer now is about to. A person
// who waits for the first start, or for a later restart, sees a page instead.
func (t target) waits() bool {
	if time.Since(t.arrived) >= t.maxWait() || len(t.service.WrongPorts) > 0 {
		return false
	}
	switch t.service.State {
	case launcher.StateFailed, launcher.StateStopped, launcher.StateDone:
		return false
	case launcher.StateBackoff:
		return !t.page || time.Until(t.service.RestartAt) < pageTime
	}
	return true
}

// statusError is a status that net/http does not write.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("invalid status %03d", int(e)) }

// modify edits the header of a response.
func (p *proxy) modify(r *http.Response) error {
	if r.StatusCode < http.StatusContinue {
		return statusError(r.StatusCode)
	}
	t := targetOf(r.Request.Context())
	r.Header.Set(headerService, t.label)
	r.Header.Del(headerVia)
	if endless(r) {
		t.inFlight.close()
	}
	if t.run.unverified(t.service.Name) {
		r.Header.Set(headerService, t.label+"; unverified")
	}
	refused := r.StatusCode == http.StatusBadRequest || r.StatusCode == http.StatusForbidden
	if t.run.first(t.service, refused) && refused {
		go t.run.peer.send(fromFront{Hint: &hint{t.service.Name, r.StatusCode, t.service.Address, t.service.HostHeader}}) //nolint:errcheck // a run that has gone needs no hint
	}
	return nil
}

// endless reports whether a response may last as long as its service runs.
func endless(r *http.Response) bool {
	return r.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream")
}

// failed responds to a request that could not be forwarded.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	t := targetOf(r.Context())
	if now, ok := p.table.routes().find(t.name); ok && now.label == t.label {
		t.backend = now
	}
	w.Header().Set(headerService, t.label)
	p.pages.unavailable(w, r, t.backend, err)
}

// headerValue makes a text the value of a header.
func headerValue(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f || r == ',' {
			return '?'
		}
		return r
	}, text)
}
