//go:build !linux

package holder

import (
	"context"
	"net/netip"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// sockets returns the listening TCP sockets on the wanted ports.
func sockets(ctx context.Context, wanted func(port int) bool) ([]socket, error) {
	connections, err := net.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return nil, err
	}
	var found []socket
	for _, c := range connections {
		if port := int(c.Laddr.Port); c.Status == "LISTEN" && wanted(port) {
			found = append(found, socket{port: port, addr: address(c), pid: int(c.Pid)})
		}
	}
	return found, nil
}

// address returns the local address of c. "*", which lsof writes for all
// addresses, is the unspecified one of the socket's family.
func address(c net.ConnectionStat) netip.Addr {
	if addr, err := netip.ParseAddr(c.Laddr.IP); err == nil {
		return addr.Unmap()
	}
	if c.Family == syscall.AF_INET6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// Inspect returns what is to be seen of a process, without its address. Of a
// process that does not exist, that is its PID.
func Inspect(ctx context.Context, pid int) Process {
	p := Process{PID: pid}
	proc := &process.Process{Pid: int32(pid)}
	p.Command, _ = proc.CmdlineWithContext(ctx)
	if p.Command == "" {
		p.Command, _ = proc.NameWithContext(ctx)
	}
	p.Directory, _ = proc.CwdWithContext(ctx)
	p.User, _ = proc.UsernameWithContext(ctx)
	if ms, err := proc.CreateTimeWithContext(ctx); err == nil {
		p.Since = time.UnixMilli(ms)
	}
	environ, _ := proc.EnvironWithContext(ctx)
	return labelled(p, environ)
}
