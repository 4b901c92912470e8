package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/devports/devports/allocator/holder"
)

// backend is the process of a service that requests are forwarded to. It is
// immutable.
type backend struct {
	run     *run
	service *Service

	// label names the service in headers: "shop/login/web".
	label string
	// key identifies the backend among those of a front, as a host name: kept
	// connections are used again only for the same process of the same run.
	key string
}

func newBackend(r *run, s Service) backend {
	return backend{
		run: r, service: &s,
		label: headerValue(r.about.Project + "/" + r.about.Worktree + "/" + s.Name),
		key:   fmt.Sprintf("%d-%d-%d-backend:%d", r.number, s.PID, s.Restarts, s.Port),
	}
}

// errNotListening reports that nothing listens on the port of a service.
var errNotListening = errors.New("nothing listens on its port")

// wrongListenerError reports that a process which does not belong to the
// service listens on its port.
type wrongListenerError struct{ port int }

func (e *wrongListenerError) Error() string {
	return fmt.Sprintf("another process listens on port %d", e.port)
}

// loopback are the addresses to connect to, in order.
var loopback = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// dialTries is how many times dial tries. It tries again if the listeners have
// changed between its two reads of them.
const dialTries = 3

// dial connects to a backend. Every socket that may accept the connection must
// belong to the service, before and after connecting: sockets are identified by
// the kernel's cookies, so that a socket that has replaced another is not taken
// for it. The error is errNotListening, a *wrongListenerError, errChanged after
// dialTries attempts, or why the run did not respond.
func (b backend) dial(ctx context.Context) (net.Conn, error) {
	err := error(errNotListening)
	for range dialTries {
		var conn net.Conn
		if conn, err = b.tryDial(ctx); !errors.Is(err, errChanged) {
			return conn, err
		}
	}
	return nil, err
}

var errChanged = errors.New("the listeners have changed")

func (b backend) tryDial(ctx context.Context) (net.Conn, error) {
	before, err := holder.Sockets(b.service.Port)
	if err != nil {
		return b.dialUnidentified(ctx)
	}
	wrong := false
	for _, addr := range loopback {
		accepting := holder.Accepting(before, addr)
		if len(accepting) == 0 {
			continue
		}
		own, err := b.owns(ctx, addr, accepting)
		if err != nil {
			return nil, err
		}
		if !own {
			wrong = true
			continue
		}
		conn, err := b.connect(ctx, addr)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return nil, errChanged
		}
		after, err := holder.Sockets(b.service.Port)
		if err != nil || !sameSockets(accepting, holder.Accepting(after, addr)) {
			conn.Close()
			return nil, errChanged
		}
		return conn, nil
	}
	if wrong {
		return nil, &wrongListenerError{b.service.Port}
	}
	return nil, errNotListening
}

// closeTime is how long a socket may still listen after the kernel has removed
// it from the open files of a process that ends.
const closeTime = 20 * time.Millisecond

// owns reports whether sockets belong to the service. The error is errChanged if
// they have gone before the run could look for them.
func (b backend) owns(ctx context.Context, addr netip.Addr, sockets []holder.Socket) (bool, error) {
	for try := range 2 {
		own, err := b.run.owns(ctx, *b.service, sockets)
		if own || err != nil {
			return own, err
		}
		now, err := holder.Sockets(b.service.Port)
		if err != nil || !sameSockets(sockets, holder.Accepting(now, addr)) {
			return false, errChanged
		}
		if try == 0 {
			time.Sleep(closeTime)
		}
	}
	return false, nil
}

// dialUnidentified is dial where the system does not identify sockets.
func (b backend) dialUnidentified(ctx context.Context) (net.Conn, error) {
	var failed error
	for _, addr := range loopback {
		conn, err := b.connect(ctx, addr)
		if err != nil {
			failed = err
			continue
		}
		own, err := b.run.ownsPort(ctx, b)
		if err == nil && !own {
			err = &wrongListenerError{b.service.Port}
		}
		if err != nil {
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, failed
	}
	return nil, errNotListening
}

// connectTimeout is for a listener whose queue is full.
const connectTimeout = 10 * time.Second

func (b backend) connect(ctx context.Context, addr netip.Addr) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), strconv.Itoa(b.service.Port)))
}

func sameSockets(a, b []holder.Socket) bool {
	cookies := func(sockets []holder.Socket) (list []uint64) {
		for _, s := range sockets {
			list = append(list, s.Cookie)
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(cookies(a), cookies(b))
}
