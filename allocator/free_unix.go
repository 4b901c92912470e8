//go:build unix

package allocator

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindable reports whether addr can be bound. An error means that this is
// unknown.
//
// The socket has SO_REUSEADDR, like those of most servers, but never listens.
// The kernel detects a conflict with a listener while binding, so listening
// would find no more; but the firewall of macOS would prompt the user, and the
// socket would accept connections for a moment.
func bindable(addr netip.AddrPort) (bool, error) {
	fd, sockaddr, err := socket(addr)
	if familyAbsent(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return false, os.NewSyscallError("setsockopt", err)
	}
	if addr.Addr().Is6() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return false, os.NewSyscallError("setsockopt", err)
		}
	}
	switch err := unix.Bind(fd, sockaddr); {
	case err == nil, familyAbsent(err):
		return true, nil
	case errors.Is(err, unix.EADDRINUSE):
		return false, nil
	default:
		return false, os.NewSyscallError("bind", err)
	}
}

// accepts reports whether a connection to addr succeeds. An error means that it
// could not be attempted.
func accepts(addr netip.AddrPort) (bool, error) {
	fd, sockaddr, err := socket(addr)
	if familyAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return connectBriefly(fd, sockaddr)
}

// connectBriefly connects fd so that closing it ends the connection with a
// reset.
func connectBriefly(fd int, sockaddr unix.Sockaddr) (bool, error) {
	// A reset leaves no TIME_WAIT, which would block a service that does not
	// set SO_REUSEADDR.
	reset := unix.Linger{Onoff: 1, Linger: 0}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &reset); err != nil {
		return false, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return false, os.NewSyscallError("fcntl", err)
	}
	return connects(fd, sockaddr), nil
}

// connects reports whether fd, which is non-blocking, connects to another
// socket within connectTimeout.
func connects(fd int, sockaddr unix.Sockaddr) bool {
	if err := unix.Connect(fd, sockaddr); errors.Is(err, unix.EINPROGRESS) {
		if !writable(fd) {
			return false
		}
	} else if err != nil {
		return false
	}
	// After a failure there is no peer. The kernel may also choose an ephemeral
	// destination port as the local port: then the socket is connected to
	// itself.
	peer, err := unix.Getpeername(fd)
	if err != nil {
		return false
	}
	self, err := unix.Getsockname(fd)
	return err == nil && addrOf(self) != addrOf(peer)
}

// writable waits until fd is connected or has failed, at most connectTimeout.
func writable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(fds, int(connectTimeout.Milliseconds()))
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}

// socket returns a TCP socket for addr, which a child process does not inherit,
// and addr as a Sockaddr. The lock prevents a fork between the two calls, since
// not every system can do both in one.
func socket(addr netip.AddrPort) (fd int, sockaddr unix.Sockaddr, err error) {
	var family int
	if addr.Addr().Is4() {
		family, sockaddr = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	} else {
		family, sockaddr = unix.AF_INET6, &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, nil, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	return fd, sockaddr, nil
}

// addrOf returns the zero AddrPort for a socket of another family.
func addrOf(sockaddr unix.Sockaddr) netip.AddrPort {
	switch sa := sockaddr.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// familyAbsent reports whether err means that the machine has no addresses of
// the family: the kernel does not support it, or it is disabled.
func familyAbsent(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
}
