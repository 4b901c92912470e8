// Package holder finds the processes that hold a port.
//
// It asks the system for its sockets and reads which files every process has
// open, once per call: some milliseconds on a busy machine. That is right for
// naming the holder of a port to a person, not for polling. To learn whether a
// port is free, ask allocator.Free.
package holder

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"
)

// Process is a process that listens on a port, as far as this user may see. What
// the system does not tell is left at its zero value.
type Process struct {
	// PID is 0 where the process cannot be seen: it belongs to another user, or
	// lives in another PID namespace. Of the rest, only User and Address may then
	// be known.
	PID int `json:"pid,omitempty"`
	// Command is the command line, its arguments separated by a blank.
	Command string `json:"command,omitempty"`
	// Directory is the working directory.
	Directory string `json:"directory,omitempty"`
	// User is the name, or else the number, of the user as whom the process runs.
	// Of a process that cannot be seen, it is the owner of the socket.
	User string `json:"user,omitempty"`
	// Since is when the process started.
	Since time.Time `json:"since,omitzero"`
	// Address is what the socket is bound to, such as "127.0.0.1" or "::". Of
	// several sockets, one that listens on all addresses is told before others,
	// and IPv4 before IPv6.
	Address string `json:"address,omitempty"`

	// Project, Worktree and Service are the DEVPORTS_ variables of these names
	// with which the process was started.
	Project  string `json:"project,omitempty"`
	Worktree string `json:"worktree,omitempty"`
	Service  string `json:"service,omitempty"`
	// Managed is whether there was a DEVPORTS_SERVICE among them.
	Managed bool `json:"managed,omitempty"`

	// Checkout is the directory of the run that has started the process, and Run
	// the PID of that, 0 if it has ended. They are left to callers that know of
	// runs, as are the fields above of a process that overwrites its environment.
	Checkout string `json:"checkout,omitempty"`
	Run      int    `json:"run,omitempty"`
}

// Connection is a socket that has a port without listening on it: mostly an
// outgoing connection, or what is left of one.
type Connection struct {
	// Process is the zero Process, but for the address, where no process has the
	// socket any more.
	Process
	// State is "bound", or the state of a connection: "established",
	// "close_wait", "time_wait" …
	State string `json:"state"`
	// Remote is the other end, such as "127.0.0.1:5432".
	Remote string `json:"remote,omitempty"`
}

// socket is a TCP socket of a process. A socket that several processes share
// comes once for each.
type socket struct {
	port   int
	addr   netip.Addr
	remote netip.AddrPort
	state  string
	pid    int    // 0 where the process cannot be seen
	user   string // the owner, known on some systems where pid is 0
}

// Listening returns, for each of ports that somebody listens on, the processes
// that do, in the order of their PIDs. Without ports, it returns them for all
// ports that somebody listens on. A process that listens on several addresses is
// listed once for each port.
//
// Linux tells of each socket at least that it is there, and whose. On other
// systems, the sockets of a process that cannot be seen may be missing.
//
// The error is that of ctx, or tells that the system's tables cannot be read.
func Listening(ctx context.Context, ports ...int) (map[int][]Process, error) {
	found, err := listeners(ctx, ports, nil)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, compare)
	found = slices.CompactFunc(found, func(a, b socket) bool {
		return a.port == b.port && a.pid == b.pid && a.user == b.user
	})
	holders := map[int][]Process{}
	inspect := inspector(ctx)
	for _, s := range found {
		holders[s.port] = append(holders[s.port], inspect(s))
	}
	return holders, ctx.Err()
}

// Connections returns, for each of ports, the sockets that have it without
// listening: those of processes that can be seen first. The error is as that of
// [Listening].
func Connections(ctx context.Context, ports ...int) (map[int][]Connection, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	found, err := others(ctx, ports)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b socket) int {
		unseen := func(s socket) int {
			switch {
			case s.pid > 0:
				return 0
			case s.user != "":
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(unseen(a), unseen(b)), compare(a, b))
	})
	connections := map[int][]Connection{}
	inspect := inspector(ctx)
	for _, s := range found {
		c := Connection{Process: inspect(s), State: s.state}
		if s.remote.IsValid() && s.remote.Port() != 0 {
			c.Remote = s.remote.String()
		}
		connections[s.port] = append(connections[s.port], c)
	}
	return connections, ctx.Err()
}

// inspector returns what makes a Process of a socket. It inspects each process
// once.
func inspector(ctx context.Context) func(socket) Process {
	inspected := map[int]Process{}
	return func(s socket) Process {
		p, ok := inspected[s.pid]
		switch {
		case s.pid == 0:
			p = Process{User: s.user}
		case !ok:
			p = Inspect(ctx, s.pid)
			inspected[s.pid] = p
		}
		p.Address = s.addr.String()
		return p
	}
}

// Ports returns the ports on which any of the processes listens, in order, each
// once. The error is that of ctx, or tells that the system's tables cannot be
// read.
func Ports(ctx context.Context, pids ...int) ([]int, error) {
	if len(pids) == 0 {
		return nil, nil
	}
	found, err := listeners(ctx, nil, pids)
	if err != nil {
		return nil, err
	}
	var ports []int
	for _, s := range found {
		if s.pid > 0 && slices.Contains(pids, s.pid) {
			ports = append(ports, s.port)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// compare orders sockets by port and process, those of one process on one port
// as Process.Address prefers them.
func compare(a, b socket) int {
	return cmp.Or(
		cmp.Compare(a.port, b.port),
		cmp.Compare(a.pid, b.pid),
		cmp.Compare(a.user, b.user),
		cmp.Compare(specific(a.addr), specific(b.addr)),
		a.addr.Compare(b.addr),
	)
}

// specific is 0 for an address that stands for all, else 1.
func specific(addr netip.Addr) int {
	if addr.IsUnspecified() {
		return 0
	}
	return 1
}

// labelled returns p with what environ, a list of "NAME=value", says of it.
func labelled(p Process, environ []string) Process {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch name {
		case envvar.Project:
			p.Project = value
		case envvar.Worktree:
			p.Worktree = value
		case envvar.Service:
			p.Service, p.Managed = value, true
		}
	}
	return p
}
