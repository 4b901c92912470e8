package allocator

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/windows"
)

// bindable reports whether addr can be listened on. An error says why that is
// unknown.
//
// WSAEACCES is a plain no: the port is in an excluded range, or its holder asked
// for exclusive use.
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

// accepts reports whether something accepts a connection to addr. That the
// connection fails, for whatever reason, is a no; an error says that it could
// not be tried.
func accepts(addr netip.AddrPort) (bool, error) {
	conn, err := net.DialTimeout("tcp", addr.String(), connectTimeout)
	if errors.Is(err, windows.WSAEMFILE) || errors.Is(err, windows.WSAENOBUFS) {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	defer conn.Close()
	// The system may give a connection to an ephemeral port that very port as
	// its own: it is then connected to itself, and nobody listens.
	return conn.LocalAddr().String() != conn.RemoteAddr().String(), nil
}
