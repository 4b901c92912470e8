//go:build !linux && !darwin

package holder

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/shirou/gopsutil/v4/net"
)

// listeners returns the listening TCP sockets on the wanted ports, or on all if
// there are none. It ignores the pids, since a subset is not faster on these
// systems.
func listeners(ctx context.Context, wanted, _ []int) ([]socket, error) {
	return sockets(ctx, true, wanted)
}

// others returns the TCP sockets on the wanted ports that do not listen.
func others(ctx context.Context, wanted []int) ([]socket, error) {
	return sockets(ctx, false, wanted)
}

func sockets(ctx context.Context, listening bool, wanted []int) ([]socket, error) {
	connections, err := net.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return nil, err
	}
	var found []socket
	for _, c := range connections {
		port := int(c.Laddr.Port)
		if (c.Status == "LISTEN") != listening || len(wanted) > 0 && !slices.Contains(wanted, port) {
			continue
		}
		s := socket{port: port, addr: address(c), pid: int(c.Pid), state: strings.ToLower(c.Status)}
		if remote, err := netip.ParseAddr(c.Raddr.IP); err == nil {
			s.remote = netip.AddrPortFrom(remote.Unmap(), uint16(c.Raddr.Port))
		}
		found = append(found, s)
	}
	return found, nil
}

// address returns the local address of c. Without one it is the unspecified
// address of the socket's family.
func address(c net.ConnectionStat) netip.Addr {
	if addr, err := netip.ParseAddr(c.Laddr.IP); err == nil {
		return addr.Unmap()
	}
	if c.Family == syscall.AF_INET6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
