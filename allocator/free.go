package allocator

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// probed are the addresses that a free port can be bound on. Not every system
// objects to a bind on one of them when the holder is on another: macOS and the
// BSDs let a specific address and the wildcard coexist, and IPv4 and IPv6 are
// apart unless the holder is dual-stack. Together with a connection to either
// loopback address they see each holder that a service would run into.
var probed = [...]netip.Addr{
	netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	netip.IPv4Unspecified(),
	netip.IPv6Loopback(),
	netip.IPv6Unspecified(),
}

// connectTimeout is for packet filters that drop instead of refusing. Loopback
// answers within microseconds.
const connectTimeout = 100 * time.Millisecond

// Free reports whether a service could listen on port now, on whichever local
// address it likes. A port is not free when a socket listens on it on any of
// 127.0.0.1, 0.0.0.0, ::1 and ::, or (where the system tells) on any other local
// address, or when something accepts connections to it on a loopback address.
// An address family that this machine lacks does not count, nor does a closed
// connection in TIME_WAIT. (Linux has one exception: until TIME_WAIT is over, no
// server can listen after one that did not set SO_REUSEADDR.)
//
// The error tells why Free cannot tell: no descriptors are left, or the user may
// not bind the port, as with ports below 1024.
func Free(port int) (bool, error) { return Prober()(port) }

// Prober returns what answers as Free does, for a caller that asks for many
// ports within a moment: what they have in common is looked up once.
func Prober() func(port int) (bool, error) {
	probe := newProbe()
	return func(port int) (bool, error) {
		if port < 1 || port > maxPort {
			return false, fmt.Errorf("port %d is out of bounds: want 1 to %d", port, maxPort)
		}
		ok, err := probe(port)
		if err != nil {
			return false, fmt.Errorf("cannot tell whether port %d is free: %w", port, err)
		}
		return ok, nil
	}
}

// Busy reports whether something holds port, as far as Free can tell.
func Busy(port int) bool {
	free, err := Free(port)
	return err == nil && !free
}

// BusyAmong returns those of ports that are Busy, in the same order. It probes
// several at the same time.
func BusyAmong(ports []int) []int {
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
