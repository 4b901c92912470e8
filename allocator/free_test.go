package allocator

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// candidate returns one that free accepts: unlike an ephemeral port, no
// connection of another process gets it meanwhile.
func candidate(t testing.TB, free func(port int) bool) int {
	t.Helper()
	local, err := LocalPorts()
	if err != nil {
		t.Fatal(err)
	}
	key := Key{Project: t.Name(), PortName: PortName{Service: strconv.FormatUint(rand.Uint64(), 10)}}
	port, err := NewPool(Set{}, local).Choose(key, free)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listen listens on a port on which no other socket listens. It skips the test
// if the machine does not support the address family of host.
func listen(t testing.TB, network, host string) (*net.TCPListener, int) {
	t.Helper()
	l, err := net.Listen(network, net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skipf("%s %s: %v", network, host, err)
	}
	l.Close()
	port := candidate(t, func(port int) bool {
		all, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			return false
		}
		all.Close()
		l, err = net.Listen(network, net.JoinHostPort(host, strconv.Itoa(port)))
		return err == nil
	})
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener), port
}

func wantFree(t *testing.T, port int, want bool) {
	t.Helper()
	if got, err := Free(port); err != nil || got != want {
		t.Errorf("Free(%d) is %t, %v; want %t", port, got, err, want)
	}
}

func TestFreeSeesListeners(t *testing.T) {
	for _, holder := range []struct{ name, network, host string }{
		{"127.0.0.1", "tcp4", "127.0.0.1"},
		{"0.0.0.0", "tcp4", "0.0.0.0"},
		{"::1", "tcp6", "::1"},
		{":: v6only", "tcp6", "::"},
		{":: dual-stack", "tcp", "::"},
	} {
		t.Run(holder.name, func(t *testing.T) {
			l, port := listen(t, holder.network, holder.host)
			wantFree(t, port, false)
			l.Close()
			wantFree(t, port, true)
			wantFree(t, port, true) // the first call has no effect on it
		})
	}
}

func TestFreeDoesNotMindTimeWait(t *testing.T) {
	l, port := listen(t, "tcp4", "127.0.0.1")
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	// The side that closes first stays in TIME_WAIT.
	server.Close()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	client.Close()
	l.Close()
	wantTimeWait(t, port)
	wantFree(t, port, true)
}

func TestFreeOutOfBounds(t *testing.T) {
	for _, port := range []int{-1, 0, 65536, 1 << 20} {
		if free, err := Free(port); free || err == nil {
			t.Errorf("Free(%d) is %t, %v; want an error", port, free, err)
		}
	}
}

func BenchmarkFree(b *testing.B) {
	l, port := listen(b, "tcp4", "127.0.0.1")
	l.Close()
	for b.Loop() {
		if free, err := Free(port); !free || err != nil {
			b.Fatal(free, err)
		}
	}
}

func BenchmarkBusyAmong(b *testing.B) {
	for _, n := range []int{50, 500} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			local, err := LocalPorts()
			if err != nil {
				b.Fatal(err)
			}
			candidates := NewPool(Set{}, local).Candidates()
			ports := make([]int, n)
			for i := range ports {
				ports[i] = candidates.At(i)
			}
			for b.Loop() {
				BusyAmong(ports)
			}
		})
	}
}
