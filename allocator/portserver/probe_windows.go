package portserver

import (
	"errors"
	"io"
	"net"
	"strconv"

	"golang.org/x/sys/windows"
)

// probes are the addresses on which a free port can be bound.
var probes = []struct{ family, host string }{
	{"6", "::"},
	{"4", "0.0.0.0"},
	{"6", "::1"},
	{"4", "127.0.0.1"},
}

// bindable reports whether port can be bound for TCP and UDP, on IPv6 and IPv4.
// It ignores a missing address family. An error means that the answer is
// unknown.
//
// WSAEACCES means that it cannot: the port is in an excluded range, or its
// holder requested exclusive use.
func bindable(port int) (bool, error) {
	for _, p := range probes {
		address := net.JoinHostPort(p.host, strconv.Itoa(port))
		switch err := bind(p.family, address); {
		case err == nil, errors.Is(err, windows.WSAEAFNOSUPPORT), errors.Is(err, windows.WSAEPROTONOSUPPORT), errors.Is(err, windows.WSAEADDRNOTAVAIL):
		case errors.Is(err, windows.WSAEADDRINUSE), errors.Is(err, windows.WSAEACCES):
			return false, nil
		default:
			return false, err
		}
	}
	return true, nil
}

func bind(family, address string) error {
	l, err := net.Listen("tcp"+family, address)
	if err := closed(l, err); err != nil {
		return err
	}
	c, err := net.ListenPacket("udp"+family, address)
	return closed(c, err)
}

func closed(c io.Closer, err error) error {
	if err != nil {
		return err
	}
	return c.Close()
}
