package allocator

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// wantBoth checks that the single bind of Linux has the same result as the six
// sockets of other systems.
func wantBoth(t *testing.T, port int, want bool) {
	t.Helper()
	for name, probe := range map[string]func(int) (bool, error){"one socket": newProbe(), "six sockets": probeEach} {
		if got, err := probe(port); err != nil || got != want {
			t.Errorf("%s: %t, %v; want %t", name, got, err, want)
		}
	}
}

type option struct{ level, name, value int }

var (
	reuseAddr = option{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}
	reusePort = option{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}
	v6Only    = option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}
	dualStack = option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0}
)

// opened returns a socket that is bound to host and port, until the test ends.
func opened(t *testing.T, kind int, host string, port int, options ...option) int {
	t.Helper()
	addr := netip.MustParseAddr(host)
	family, sockaddr := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: port, Addr: addr.As16()})
	if addr.Is4() {
		family, sockaddr = unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: addr.As4()}
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if familyAbsent(err) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Bind(fd, sockaddr); familyAbsent(err) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestFreeAgreesOnSockets(t *testing.T) {
	for _, tt := range []struct {
		name    string
		host    string
		listens bool
		options []option
		free    bool
	}{
		{"127.0.0.1", "127.0.0.1", true, nil, false},
		{"127.0.0.1 with SO_REUSEADDR", "127.0.0.1", true, []option{reuseAddr}, false},
		{"127.0.0.2", "127.0.0.2", true, []option{reuseAddr}, false},
		{"0.0.0.0", "0.0.0.0", true, []option{reuseAddr}, false},
		{"::1", "::1", true, []option{reuseAddr}, false},
		{"::1 IPv6 only", "::1", true, []option{v6Only, reuseAddr}, false},
		{":: IPv6 only", "::", true, []option{v6Only, reuseAddr}, false},
		{":: dual-stack", "::", true, []option{dualStack, reuseAddr}, false},
		{"IPv4 in IPv6", "::ffff:127.0.0.1", true, []option{dualStack, reuseAddr}, false},
		{"SO_REUSEPORT", "0.0.0.0", true, []option{reusePort}, false},
		{"SO_REUSEPORT and SO_REUSEADDR", "::", true, []option{dualStack, reusePort, reuseAddr}, false},
		{"bound", "127.0.0.1", false, nil, false},
		{"bound with SO_REUSEPORT", "127.0.0.1", false, []option{reusePort}, false},
		{"bound with SO_REUSEADDR", "127.0.0.1", false, []option{reuseAddr}, true},
		{"bound to :: IPv6 only", "::", false, []option{v6Only}, false},
		{"bound to :: IPv6 only with SO_REUSEADDR", "::", false, []option{v6Only, reuseAddr}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := freePort(t)
			wantBoth(t, port, true)
			fd := opened(t, unix.SOCK_STREAM, tt.host, port, tt.options...)
			if tt.listens {
				if err := unix.Listen(fd, 1); err != nil {
					t.Fatal(err)
				}
			}
			wantBoth(t, port, tt.free)
		})
	}
}

// An outgoing connection has a local port, and may block a server on it.
func TestFreeAgreesOnConnections(t *testing.T) {
	for _, tt := range []struct {
		name, network, target, local string
		options                      []option
		free                         bool
	}{
		{"IPv4", "tcp4", "127.0.0.1", "127.0.0.1", nil, false},
		{"IPv6", "tcp6", "::1", "::1", nil, false},
		{"with SO_REUSEADDR", "tcp4", "127.0.0.1", "127.0.0.1", []option{reuseAddr}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, target := listen(t, tt.network, tt.target)
			port := freePort(t)
			fd := opened(t, unix.SOCK_STREAM, tt.local, port, tt.options...)
			addr, err := unix.Getsockname(fd)
			if err != nil {
				t.Fatal(err)
			}
			switch addr := addr.(type) {
			case *unix.SockaddrInet4:
				addr.Port = target
			case *unix.SockaddrInet6:
				addr.Port = target
			}
			if err := unix.Connect(fd, addr); err != nil {
				t.Fatal(err)
			}
			wantBoth(t, port, tt.free)
			// The peer closes: CLOSE_WAIT.
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			server.Close()
			if _, err := unix.Read(fd, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			wantBoth(t, port, tt.free)
		})
	}
}

// The SO_REUSEADDR of a server that closes first still applies in TIME_WAIT.
func TestFreeAgreesOnTimeWait(t *testing.T) {
	for _, reuse := range []bool{true, false} {
		t.Run("SO_REUSEADDR "+strconv.FormatBool(reuse), func(t *testing.T) {
			port := freePort(t)
			value := 0
			if reuse {
				value = 1
			}
			l, err := (&net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
				var err error
				return errors.Join(c.Control(func(fd uintptr) {
					err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, value)
				}), err)
			}}).Listen(t.Context(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				t.Fatal(err)
			}
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			server.Close()
			if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			client.Close()
			l.Close()
			wantTimeWait(t, port)
			wantBoth(t, port, reuse)
		})
	}
}

func TestFreeAgreesOnUDP(t *testing.T) {
	port := freePort(t)
	opened(t, unix.SOCK_DGRAM, "0.0.0.0", port)
	wantBoth(t, port, true)
}

// A port that the packet filter redirects can be bound, but connections to it
// go elsewhere.
func TestFreeAgreesOnRedirectedPorts(t *testing.T) {
	l, target := listen(t, "tcp4", "127.0.0.1")
	port := freePort(t)
	rule := []string{"OUTPUT", "-p", "tcp", "-d", "127.0.0.1", "--dport", strconv.Itoa(port), "-j", "REDIRECT", "--to-ports", strconv.Itoa(target)}
	change := func(action string) error {
		return exec.Command("iptables", append([]string{"-w", "-t", "nat", action}, rule...)...).Run()
	}
	if err := change("-A"); err != nil {
		t.Skipf("iptables: %v", err)
	}
	t.Cleanup(func() {
		if err := change("-D"); err != nil {
			t.Error(err)
		}
	})
	if !tracked(probed[0]) {
		t.Error("127.0.0.1 counts as not tracked")
	}
	wantBoth(t, port, false)
	l.Close()
	wantBoth(t, port, true)
}
