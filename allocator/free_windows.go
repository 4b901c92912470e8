package allocator

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/windows"
)

// bindable reports whether a socket can listen on addr. An error means that
// this is unknown.
//
// WSAEACCES means that it cannot: the port is in an excluded range, or its
// holder requested exclusive use.
func bindable(addr netip.AddrPort) (bool, error) {
	network := "tcp4"
	if addr.Addr().Is6() {
		network = "tcp6" // on which Go listens with IPV6_V6ONLY
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(addr))
	switch {
	case err == nil:
		return true, l.Close()
	case errors.Is(err, windows.WSAEADDRINUSE), errors.Is(err, windows.WSAEACCES):
		return false, nil
	case errors.Is(err, windows.WSAEAFNOSUPPORT), errors.Is(err, windows.WSAEPROTONOSUPPORT), errors.Is(err, windows.WSAEADDRNOTAVAIL):
		return true, nil
	default:
		return false, err
	}
}

// accepts reports whether a connection to addr succeeds. An error means that it
// could not be attempted.
func accepts(addr netip.AddrPort) (bool, error) {
	conn, err := net.DialTimeout("tcp", addr.String(), connectTimeout)
	if errors.Is(err, windows.WSAEMFILE) || errors.Is(err, windows.WSAENOBUFS) {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	defer conn.Close()
	// The system may choose an ephemeral destination port as the local port:
	// then the socket is connected to itself.
	return conn.LocalAddr().String() != conn.RemoteAddr().String(), nil
}
