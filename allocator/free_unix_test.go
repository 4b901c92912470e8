//go:build unix

package allocator

import (
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// bindOnly binds port of 127.0.0.1 until the end of the test, without
// listening. It returns what bind says against it.
func bindOnly(t *testing.T, port int, reuse bool) error {
	t.Helper()
	fd, addr, err := socket(netip.AddrPortFrom(probed[0], uint16(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if reuse {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			t.Fatal(err)
		}
	}
	return unix.Bind(fd, addr)
}

// freePort returns a port that no socket has, not even a connection in TIME_WAIT:
// a socket without SO_REUSEADDR can be bound to it.
func freePort(t *testing.T) int {
	t.Helper()
	return candidate(t, func(port int) bool {
		for _, addr := range probed {
			fd, sockaddr, err := socket(netip.AddrPortFrom(addr, uint16(port)))
			if familyAbsent(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0), unix.Bind(fd, sockaddr))
			unix.Close(fd)
			if err != nil && !familyAbsent(err) {
				return false
			}
		}
		return true
	})
}

// wantTimeWait checks the precondition of the test: a connection in TIME_WAIT
// blocks a socket without SO_REUSEADDR.
func wantTimeWait(t *testing.T, port int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	if err := bindOnly(t, port, false); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("bind without SO_REUSEADDR: %v, want EADDRINUSE", err)
	}
}

func TestFreeAndBoundSockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SO_REUSEADDR is different on other systems")
	}
	for _, tt := range []struct {
		name  string
		reuse bool
	}{{"without SO_REUSEADDR", false}, {"with SO_REUSEADDR", true}} {
		t.Run(tt.name, func(t *testing.T) {
			port := freePort(t)
			if err := bindOnly(t, port, tt.reuse); err != nil {
				t.Fatal(err)
			}
			// A server that sets it, as most do, can listen beside one that
			// did.
			wantFree(t, port, tt.reuse)
		})
	}
}

func TestFreeSeesOtherLoopbackAddresses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	_, port := listen(t, "tcp4", "127.0.0.2")
	wantFree(t, port, false)
}

// Binding without listening blocks no other socket, and no other probe of the
// port.
func TestFreeAtTheSameTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not bind two sockets to a port, even if neither listens")
	}
	l, port := listen(t, "tcp4", "127.0.0.1")
	l.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if free, err := Free(port); !free || err != nil {
					t.Errorf("Free(%d) is %t, %v", port, free, err)
				}
			}
		})
	}
	wg.Wait()
}

// Without descriptors, a port is neither free nor taken.
func TestFreeWithoutDescriptors(t *testing.T) {
	l, port := listen(t, "tcp4", "127.0.0.1")
	l.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	free, err := Free(port)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if free || !errors.Is(err, unix.EMFILE) {
		t.Errorf("Free is %t, %v; want EMFILE", free, err)
	}
}

// A connection to a closed ephemeral port now and then is connected to itself.
// A socket that is bound to the port beforehand always is.
func TestSelfConnectIsNoListener(t *testing.T) {
	port := freePort(t)
	fd, addr, err := socket(netip.AddrPortFrom(probed[0], uint16(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, addr); err != nil {
		t.Fatal(err)
	}
	if connects(fd, addr) {
		t.Error("a connection to itself counts as a listener")
	}
	if peer, err := unix.Getpeername(fd); err != nil || addrOf(peer) != addrOf(addr) {
		t.Errorf("connected to %v, %v; want to itself, %v", peer, err, addr)
	}
}

func TestAccepts(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		network := "tcp4"
		if host == "::1" {
			network = "tcp6"
		}
		t.Run(host, func(t *testing.T) {
			l, port := listen(t, network, host)
			addr := netip.AddrPortFrom(netip.MustParseAddr(host), uint16(port))
			if got, err := accepts(addr); err != nil || !got {
				t.Errorf("with a listener: %t, %v", got, err)
			}
			l.Close()
			if got, err := accepts(addr); err != nil || got {
				t.Errorf("without: %t, %v", got, err)
			}
		})
	}
}
