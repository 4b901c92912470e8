package holder

import (
	"context"
	"net/netip"
	"slices"
)

// Socket is a listening TCP socket.
type Socket struct {
	Address netip.Addr
	Cookie  uint64 // the kernel's name for the socket, never used again; 0 if unknown
	Inode   string // as in the links in /proc/PID/fd
	UID     string // its owner
	V6Only  bool   // it accepts no IPv4 connections
}

// Sockets returns the sockets that listen on a port, in some order. It takes
// less than 0.1 ms. The error is [errors.ErrUnsupported] if the system does not
// identify sockets by a cookie: see [Listening].
func Sockets(port int) ([]Socket, error) { return listeningSockets(port) }

// ListeningPorts returns all ports on which a socket listens, on any address. It
// takes less than 0.2 ms. The error is [errors.ErrUnsupported] if the system
// has no fast list.
func ListeningPorts() (map[int]bool, error) { return allListeningPorts() }

// Accepting returns those of the sockets that may accept a connection to an
// address: those on the address itself if there are any, which the kernel
// prefers, otherwise those on all addresses. Only one of several sockets of a
// kind gets the connection, so callers must check all of them.
func Accepting(sockets []Socket, to netip.Addr) []Socket {
	exact := slices.DeleteFunc(slices.Clone(sockets), func(s Socket) bool { return s.Address != to })
	if len(exact) > 0 {
		return exact
	}
	return slices.DeleteFunc(slices.Clone(sockets), func(s Socket) bool {
		return !s.Address.IsUnspecified() || to.Is6() && s.Address.Is4() || to.Is4() && s.V6Only
	})
}

// Owns reports for each socket whether one of the processes has it open. The
// processes must be visible to this user.
func Owns(pids []int, sockets []Socket) []bool {
	return ownSockets(pids, sockets)
}

// UserOf returns the number of the user that owns the local end of a TCP
// connection on this machine; "" if it is not known.
func UserOf(local, remote netip.AddrPort) string { return userOf(local, remote) }

// ListenedBy reports whether every process that listens on a port is one of
// pids, and at least one does. It is slower than Sockets.
func ListenedBy(ctx context.Context, port int, pids []int) (bool, error) {
	found, err := Listening(ctx, port)
	if err != nil {
		return false, err
	}
	for _, p := range found[port] {
		if p.PID == 0 || !slices.Contains(pids, p.PID) {
			return false, nil
		}
	}
	return len(found[port]) > 0, nil
}
