//go:build unix

package portserver

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// probes are the sockets that can be bound to a free port. On Linux, binding
// the wildcard address conflicts with a socket on any address of the family;
// other systems let the two coexist, so the loopback address is probed, too.
var probes = func() (probes []probe) {
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
		probes = append(probes, probe{kind, unix.AF_INET6, false}, probe{kind, unix.AF_INET, false})
		if runtime.GOOS != "linux" {
			probes = append(probes, probe{kind, unix.AF_INET6, true}, probe{kind, unix.AF_INET, true})
		}
	}
	return probes
}()

type probe struct {
	kind, family int
	loopback     bool
}

// bindable reports whether port can be bound for TCP and UDP, on IPv6 and IPv4.
// It ignores a missing address family, and connections in TIME_WAIT. An error
// means that the answer is unknown.
func bindable(port int) (bool, error) {
	for _, p := range probes {
		switch err := p.bind(port); {
		case err == nil, familyAbsent(err):
		case errors.Is(err, unix.EADDRINUSE), errors.Is(err, unix.EACCES):
			return false, nil
		default:
			return false, err
		}
	}
	return true, nil
}

// bind binds a socket and closes it. It sets SO_REUSEADDR on a TCP socket, as
// most servers do. It does not listen: the kernel detects a listener while
// binding, and the firewall of macOS would prompt the user.
func (p probe) bind(port int) error {
	fd, err := socket(p.family, p.kind)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if p.kind == unix.SOCK_STREAM {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if p.family == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("bind", unix.Bind(fd, p.sockaddr(port)))
}

func (p probe) sockaddr(port int) unix.Sockaddr {
	if p.family == unix.AF_INET6 {
		addr := &unix.SockaddrInet6{Port: port}
		if p.loopback {
			addr.Addr[15] = 1
		}
		return addr
	}
	addr := &unix.SockaddrInet4{Port: port}
	if p.loopback {
		addr.Addr = [4]byte{127, 0, 0, 1}
	}
	return addr
}

// familyAbsent reports whether err means that the machine has no addresses of
// the family: the kernel does not support it, or it is disabled.
func familyAbsent(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
}
