// Package holder finds the processes that hold a port.
//
// Each call reads the system's table of sockets and the open files of all
// processes, which takes a few milliseconds on a busy machine. It is for
// messages, not for polling. allocator.Free checks whether a port is free.
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

// Process is a process that listens on a port, as far as it is visible to this
// user. Unknown fields have their zero value.
type Process struct {
	// PID is 0 if the process is not visible: it belongs to another user, or is
	// in another PID namespace. Then only User and Address may be known.
	PID int `json:"pid,omitempty"`
	// Command is the command line, its arguments separated by spaces.
	Command string `json:"command,omitempty"`
	// Directory is the working directory.
	Directory string `json:"directory,omitempty"`
	// User is the name of the process's user, or the number if it has no name.
	// For an invisible process, it is the owner of the socket.
	User string `json:"user,omitempty"`
	// Since is when the process started.
	Since time.Time `json:"since,omitzero"`
	// Address is the address of the socket, such as "127.0.0.1" or "::". If
	// there are several sockets, one on all addresses is preferred, and IPv4 to
	// IPv6.
	Address string `json:"address,omitempty"`

	// Project, Worktree and Service are the values of these DEVPORTS_ variables
	// in the environment of the process.
	Project  string `json:"project,omitempty"`
	Worktree string `json:"worktree,omitempty"`
	Service  string `json:"service,omitempty"`
	// Managed reports whether a service of a run started the process: its
	// environment has DEVPORTS_SERVICE, or it has the process.Tag of a service.
	// With only the tag, the fields above may be empty.
	Managed bool `json:"managed,omitempty"`

	// RunDirectory is the directory of the run that started the process, and Run
	// the PID of that run, 0 if it has ended. Callers that know the runs set
	// them, and also the fields above for a process that overwrites its
	// environment.
	RunDirectory string `json:"run_directory,omitempty"`
	Run          int    `json:"run,omitempty"`
	// Unverified reports that the process is not visible, and that its user is
	// the only evidence for its service.
	Unverified bool `json:"unverified,omitempty"`
}

// Connection is a socket that has a port but does not listen on it: usually an
// outgoing connection, even a closed one.
type Connection struct {
	// Process has only an address if no process has the socket any more.
	Process
	// State is "bound", or the state of a connection: "established",
	// "close_wait", "time_wait" …
	State string `json:"state"`
	// Remote is the remote address, such as "127.0.0.1:5432".
	Remote string `json:"remote,omitempty"`
}

// socket is a TCP socket of a process. A socket that several processes share is
// listed once for each.
type socket struct {
	port   int
	addr   netip.Addr
	remote netip.AddrPort
	state  string
	pid    int    // 0 if the process is not visible
	user   string // the owner, known on some systems if pid is 0
}

// Listening returns the processes that listen on each of ports, in the order of
// their PIDs. Without ports, it returns the processes for all ports. A process
// that listens on several addresses is listed once for each port.
//
// Linux reports every socket and its owner. On other systems, the sockets of
// invisible processes may be missing.
//
// The error is that of ctx, or from reading the system's tables.
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

// Connections returns, for each of ports, the sockets that have it but do not
// listen, first those of visible processes. Errors are those of [Listening].
func Connections(ctx context.Context, ports ...int) (map[int][]Connection, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	found, err := others(ctx, ports)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b socket) int {
		visibility := func(s socket) int {
			switch {
			case s.pid > 0:
				return 0
			case s.user != "":
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(visibility(a), visibility(b)), compare(a, b))
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

// inspector returns a function that returns the Process of a socket. It
// inspects each process once.
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

// Ports returns the ports on which any of the processes listens, sorted. Errors
// are those of [Listening].
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

// compare orders sockets by port and process, and then by the preference of
// Process.Address.
func compare(a, b socket) int {
	return cmp.Or(
		cmp.Compare(a.port, b.port),
		cmp.Compare(a.pid, b.pid),
		cmp.Compare(a.user, b.user),
		cmp.Compare(specific(a.addr), specific(b.addr)),
		a.addr.Compare(b.addr),
	)
}

// specific returns 0 for a wildcard address, otherwise 1.
func specific(addr netip.Addr) int {
	if addr.IsUnspecified() {
		return 0
	}
	return 1
}

// labelled returns p with the labels in environ, a list of "NAME=value".
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
