//go:build !linux

package front

import (
	"net"
	"net/netip"
)

// pointPort holds one address of a point. It always listens: here, a socket
// cannot stop listening and keep its port. Connections are reset while the
// service does not run.
type pointPort struct{ listener net.Listener }

// holdPort takes an address. accept is called with each connection, in a
// goroutine of its own.
func holdPort(addr netip.AddrPort, accept func(*net.TCPConn)) (*pointPort, error) {
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		return nil, err
	}
	go acceptAll(l, accept)
	return &pointPort{l}, nil
}

func (p *pointPort) listen() error { return nil }

func (p *pointPort) stopListening() {}

// close gives up the port.
func (p *pointPort) close() { p.listener.Close() }
