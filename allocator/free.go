package allocator

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// probed are the addresses on which a free port can be bound. All are needed:
// macOS and the BSDs let a specific address and the wildcard coexist, and IPv4
// and IPv6 are separate unless the holder is dual-stack. Together with
// connections to both loopback addresses, they detect every holder that would
// conflict with a service.
var probed = [...]netip.Addr{
	netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	netip.IPv4Unspecified(),
	netip.IPv6Loopback(),
	netip.IPv6Unspecified(),
}

// connectTimeout is for packet filters that drop packets. Loopback answers
// within microseconds.
const connectTimeout = 100 * time.Millisecond

// Free reports whether a service could listen on port now, on any local
// address. A port is not free if a socket listens on it on 127.0.0.1, 0.0.0.0,
// ::1 or ::, or (if the system reports it) on any other local address, or if a
// connection to it on a loopback address succeeds. Free ignores a missing
// address family and closed connections in TIME_WAIT. (Linux has one exception:
// until TIME_WAIT ends, no server can listen after one that did not set
// SO_REUSEADDR.)
//
// An error means that the answer is unknown: no descriptors are left, or the
// user may not bind the port, as with ports below 1024.
func Free(port int) (bool, error) { return Prober()(port) }

// Prober returns a function like Free for checking many ports within a moment:
// it looks up their common conditions only once.
func Prober() func(port int) (bool, error) {
	probe := newProbe()
	return func(port int) (bool, error) {
		if port < 1 || port > maxPort {
			return false, fmt.Errorf("port %d is out of range: want 1 to %d", port, maxPort)
		}
		ok, err := probe(port)
		if err != nil {
			return false, fmt.Errorf("cannot check port %d: %w", port, err)
		}
		return ok, nil
	}
}

// Busy reports whether Free returns false for port, without an error.
func Busy(port int) bool {
	free, err := Free(port)
	return err == nil && !free
}

// BusyAmong returns those of ports that are Busy, in the same order. It probes
// them concurrently.
func BusyAmong(ports []int) []int {
	if len(ports) == 0 {
		return nil // Prober makes sockets
	}
	free, busy := Prober(), make([]bool, len(ports))
	var next atomic.Int64
	var probers sync.WaitGroup
	for range min(len(ports), runtime.GOMAXPROCS(0)) {
		probers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(ports); i = next.Add(1) - 1 {
				ok, err := free(ports[i])
				busy[i] = err == nil && !ok
			}
		})
	}
	probers.Wait()
	var found []int
	for i, port := range ports {
		if busy[i] {
			found = append(found, port)
		}
	}
	return found
}

// probeEach binds each of the probed addresses, and connects to the loopback
// ones.
func probeEach(port int) (bool, error) {
	for _, addr := range probed {
		if ok, err := bindable(netip.AddrPortFrom(addr, uint16(port))); err != nil || !ok {
			return false, err
		}
	}
	for _, addr := range probed {
		if !addr.IsLoopback() {
			continue
		}
		if taken, err := accepts(netip.AddrPortFrom(addr, uint16(port))); err != nil || taken {
			return false, err
		}
	}
	return true, nil
}
