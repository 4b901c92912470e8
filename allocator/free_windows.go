package allocator

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// bindable reports whether addr can be bound. An error means that this is
// unknown.
//
// The socket never listens: a conflict with a listener shows while binding, and
// Windows' firewall would prompt the user to let devports listen on 0.0.0.0.
//
// WSAEACCES means that it cannot: the port is in an excluded range, or its
// holder requested exclusive use.
func bindable(addr netip.AddrPort) (bool, error) {
	if err := winsock(); err != nil {
		return false, err
	}
	family, sockaddr := windows.AF_INET, windows.Sockaddr(&windows.SockaddrInet4{Port: int(addr.Port()), Addr: ipv4(addr)})
	if addr.Addr().Is6() {
		family, sockaddr = windows.AF_INET6, &windows.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
	}
	socket, err := windows.Socket(family, windows.SOCK_STREAM, windows.IPPROTO_TCP)
	if familyAbsent(err) {
		return true, nil
	}
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer windows.Closesocket(socket)
	if addr.Addr().Is6() {
		if err := windows.SetsockoptInt(socket, windows.IPPROTO_IPV6, windows.IPV6_V6ONLY, 1); err != nil {
			return false, os.NewSyscallError("setsockopt", err)
		}
	}
	switch err := windows.Bind(socket, sockaddr); {
	case err == nil, familyAbsent(err):
		return true, nil
	case errors.Is(err, windows.WSAEADDRINUSE), errors.Is(err, windows.WSAEACCES):
		return false, nil
	default:
		return false, os.NewSyscallError("bind", err)
	}
}

func familyAbsent(err error) bool {
	return errors.Is(err, windows.WSAEAFNOSUPPORT) || errors.Is(err, windows.WSAEPROTONOSUPPORT) || errors.Is(err, windows.WSAEADDRNOTAVAIL)
}

// ipv4 is the address, or 0.0.0.0 for one of IPv6.
func ipv4(addr netip.AddrPort) [4]byte {
	if addr.Addr().Is4() {
		return addr.Addr().As4()
	}
	return [4]byte{}
}

// winsock initialises Windows' sockets, as package net does for its own.
var winsock = sync.OnceValue(func() error {
	var data windows.WSAData
	return os.NewSyscallError("WSAStartup", windows.WSAStartup(2<<8|2, &data))
})

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
