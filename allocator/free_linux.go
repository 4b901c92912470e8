package allocator

import (
	"errors"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// newProbe returns a function like probeEach that needs one socket for each
// port instead of six. It is for immediate use.
//
// On Linux, the wildcard address of a dual-stack socket conflicts with a socket
// on any address of either family, IPv6-only or not, so one bind covers all of
// probed. sock_diag(7) does not suffice: it does not report which sockets have
// SO_REUSEADDR, so not which connections (TIME_WAIT included) conflict; before
// Linux 6.8 it does not report sockets that are bound without listening; and it
// does not know other reasons to refuse a bind, such as WSL's, which asks
// Windows.
//
// Only a connection detects a port that the packet filter redirects, for
// example to a container whose engine has no proxy. If the kernel does not
// track loopback connections, it does not redirect them.
func newProbe() func(port int) (bool, error) {
	var redirected []netip.Addr
	for _, addr := range probed {
		if addr.IsLoopback() && tracked(addr) {
			redirected = append(redirected, addr)
		}
	}
	return func(port int) (bool, error) {
		if ok, err := bindableEverywhere(port); err != nil || !ok {
			return false, err
		}
		for _, addr := range redirected {
			if taken, err := accepts(netip.AddrPortFrom(addr, uint16(port))); err != nil || taken {
				return false, err
			}
		}
		return true, nil
	}
}

// bindableEverywhere reports whether port can be bound on all addresses of both
// families, or of IPv4 if there is no IPv6.
func bindableEverywhere(port int) (bool, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if familyAbsent(err) {
		return bindable(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)))
	}
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return false, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		return probeEach(port) // no dual-stack sockets
	}
	switch err := unix.Bind(fd, &unix.SockaddrInet6{Port: port}); {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EADDRINUSE):
		return false, nil
	case familyAbsent(err):
		return bindable(netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)))
	default:
		return false, os.NewSyscallError("bind", err)
	}
}

// tracked reports whether the kernel tracks connections to a loopback address
// in this network namespace; otherwise it translates no addresses. If that is
// unknown, the result is true.
func tracked(loopback netip.Addr) bool {
	listener, addr, err := socket(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		return !familyAbsent(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, addr); err != nil {
		return !familyAbsent(err)
	}
	if err := unix.Listen(listener, 1); err != nil {
		return true
	}
	bound, err := unix.Getsockname(listener)
	if err != nil {
		return true
	}
	client, _, err := socket(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		return true
	}
	defer unix.Close(client)
	if connected, err := connectBriefly(client, bound); err != nil || !connected {
		return true
	}
	err = originalDestination(client, loopback)
	return !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOPROTOOPT)
}

// originalDst is SO_ORIGINAL_DST of linux/netfilter_ipv4.h, and the same option
// of IPv6.
const originalDst = 80

// originalDestination looks up the connection of fd in connection tracking. The
// error is ENOENT if it is not tracked, ENOPROTOOPT if no connection is.
func originalDestination(fd int, addr netip.Addr) error {
	// The kernel fills in a sockaddr_in or sockaddr_in6: these types are large
	// enough.
	if addr.Is4() {
		_, err := unix.GetsockoptIPv6Mreq(fd, unix.IPPROTO_IP, originalDst)
		return err
	}
	_, err := unix.GetsockoptIPv6MTUInfo(fd, unix.IPPROTO_IPV6, originalDst)
	return err
}
