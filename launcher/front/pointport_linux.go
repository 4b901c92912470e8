package front

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// pointPort holds one address of a point. While it does not listen, the kernel
// refuses connections at once, and still no other program gets the port: closing
// the listener would leave the port to anybody, and accepting connections only
// to reset them would deceive programs that wait for a port to be open.
type pointPort struct {
	accept func(*net.TCPConn)

	mu       sync.Mutex // guards the fields below
	fd       int
	listener net.Listener // nil while it does not listen
}

// holdPort takes an address, without listening on it. accept is called with each
// connection, in a goroutine of its own.
func holdPort(addr netip.AddrPort, accept func(*net.TCPConn)) (*pointPort, error) {
	family, sockaddr := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()})
	if addr.Addr().Is4() {
		family, sockaddr = syscall.AF_INET, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if family == syscall.AF_INET6 {
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1)
	}
	setReuse(fd, true)
	if err := syscall.Bind(fd, sockaddr); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	p := &pointPort{accept: accept, fd: fd}
	// A socket that has never listened shares its port with others that set
	// SO_REUSEADDR, too.
	if err := syscall.Listen(fd, 0); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("listen", err)
	}
	p.refuse()
	return p, nil
}

// setReuse sets SO_REUSEADDR, with which earlier connections of the port do not
// prevent listening. Without it, a program that sets it cannot get the port
// while this socket does not listen.
func setReuse(fd int, on bool) {
	value := 0
	if on {
		value = 1
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, value)
}

// refuse makes the kernel refuse connections.
func (p *pointPort) refuse() {
	_ = syscall.Shutdown(p.fd, syscall.SHUT_RD)
	setReuse(p.fd, false)
}

// listen listens, unless it does already.
func (p *pointPort) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 || p.listener != nil {
		return nil
	}
	setReuse(p.fd, true)
	if err := syscall.Listen(p.fd, syscall.SOMAXCONN); err != nil {
		setReuse(p.fd, false)
		return os.NewSyscallError("listen", err)
	}
	l, err := listenerOf(p.fd)
	if err != nil {
		p.refuse()
		return err
	}
	p.listener = l
	go acceptAll(l, p.accept)
	return nil
}

// stopListening refuses connections from now on. It keeps the port.
func (p *pointPort) stopListening() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.refuse()
		p.listener.Close()
		p.listener = nil
	}
}

// close gives up the port.
func (p *pointPort) close() {
	p.stopListening()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd >= 0 {
		syscall.Close(p.fd)
		p.fd = -1
	}
}

// listenerOf returns a listener that shares the socket.
func listenerOf(fd int) (net.Listener, error) {
	syscall.ForkLock.RLock()
	own, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(own)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	file := os.NewFile(uintptr(own), "point")
	defer file.Close()
	return net.FileListener(file)
}
