package front

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// heldPoint is the port of a point.
type heldPoint struct {
	ports   []*pointPort
	err     error
	running bool // the service it points to is ready: the ports are open
}

// pointConn is an open connection to a point.
type pointConn struct {
	port   int
	cancel context.CancelFunc // resets it
	ended  chan struct{}      // closed when it has ended
}

// hold takes a port on the loopback addresses. IPv6 may be missing.
func (p *points) hold(port int) *heldPoint {
	h := &heldPoint{}
	for _, addr := range loopback {
		held, err := holdPort(netip.AddrPortFrom(addr, uint16(port)), func(c *net.TCPConn) { p.serve(c, port) })
		switch {
		case err == nil:
			h.ports = append(h.ports, held)
		case addr.Is4(), errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EACCES):
			h.close()
			return &heldPoint{err: err}
		}
	}
	return h
}

func (h *heldPoint) listen() {
	for _, port := range h.ports {
		h.err = cmp.Or(h.err, port.listen())
	}
	if h.err != nil {
		h.close()
	}
}

func (h *heldPoint) stopListening() {
	for _, port := range h.ports {
		port.stopListening()
	}
}

func (h *heldPoint) close() {
	for _, port := range h.ports {
		port.close()
	}
	h.ports = nil
}

// serve forwards a connection to the service that its port points to now. If
// that does not run, or something else listens on its port, the connection is
// reset.
func (p *points) serve(client *net.TCPConn, port int) {
	p.mu.Lock()
	ctx, cancel := context.WithCancel(p.ctx)
	c := &pointConn{port, cancel, make(chan struct{})}
	to, running := p.target(port)
	p.conns[c] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
		cancel()
		close(c.ended)
	}()
	_ = client.SetKeepAlive(false) // its other end is on this machine
	if !running {
		reset(client)
		return
	}
	conn, err := to.dial(ctx)
	if err != nil {
		reset(client)
		return
	}
	service := conn.(*net.TCPConn)
	stop := context.AfterFunc(ctx, func() {
		reset(client)
		reset(service)
	})
	defer stop()
	forward(client, service)
}

// drain waits until all connections have ended.
func (p *points) drain(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		open := len(p.conns)
		p.mu.Unlock()
		if open == 0 {
			return
		}
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
		}
	}
}

const drainPoll = 20 * time.Millisecond

// forward copies both directions until both have ended. The end of one is passed
// on; an error resets both.
func forward(a, b *net.TCPConn) {
	defer a.Close()
	defer b.Close()
	var back sync.WaitGroup
	back.Go(func() { forwardHalf(a, b) })
	forwardHalf(b, a)
	back.Wait()
}

func forwardHalf(to, from *net.TCPConn) {
	if _, err := to.ReadFrom(from); err != nil { // splice(2) on Linux
		reset(to)
		reset(from)
		return
	}
	_ = to.CloseWrite()
}

// reset closes a connection so that the other end sees an error: an ordinary end
// might be taken for the end of the data.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

// acceptAll accepts connections until the listener is closed.
func acceptAll(l net.Listener, accept func(*net.TCPConn)) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			go accept(conn.(*net.TCPConn))
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(10 * time.Millisecond)
		default:
			return
		}
	}
}
