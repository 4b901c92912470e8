package holder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// On macOS, lsof(8) lists the sockets: the system has no documented call for
// that. It reads the open files of all visible processes, whatever its
// arguments are, so one call should serve all ports. This file is compiled
// everywhere, so that its tests run with the lsof of any system.

// lsofListening are the arguments for all listening TCP sockets.
func lsofListening() []string { return append(lsofFields(), "-iTCP", "-sTCP:LISTEN") }

// lsofPorts are the arguments for all TCP sockets with one of the ports, as the
// local or the remote one.
func lsofPorts(ports []int) []string {
	list := make([]string, len(ports))
	for i, port := range ports {
		list[i] = strconv.Itoa(port)
	}
	return append(lsofFields(), "-iTCP:"+strings.Join(list, ","))
}

// lsofFields are the arguments with which lsof prints numbers instead of names,
// no warnings, and for each socket its pid, descriptor, family, addresses and
// state, each on a line.
func lsofFields() []string { return []string{"-n", "-P", "-w", "-F", "pftnT"} }

// lsof runs lsof(8) and parses its output.
func lsof(ctx context.Context, args []string) ([]socket, error) {
	path, err := exec.LookPath("lsof")
	if err != nil {
		path = "/usr/sbin/lsof" // not on every PATH
	}
	cmd := exec.CommandContext(ctx, path, args...)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// It exits with 1 if there is no such socket, too.
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && (len(out) > 0 || problem.Len() == 0) {
		err = nil
	}
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(problem.String()), "\n")
		return nil, fmt.Errorf("lsof cannot list the sockets: %w: %s", err, first)
	}
	return parseLsof(out), nil
}

// parseLsof parses the output of lsof -F pftnT. Each line is a field, which its
// first character names. The fields of a process come before those of its files,
// and a file begins with its descriptor. It drops files that are no TCP sockets
// with a port.
func parseLsof(out []byte) (found []socket) {
	var pid int
	var s socket
	var family, state string
	end := func() {
		if s.port > 0 {
			s.pid, s.state = pid, lsofState(state, s.remote)
			found = append(found, s)
		}
		s, family, state = socket{}, "", ""
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		switch value := line[1:]; line[0] {
		case 'p':
			end()
			pid, _ = strconv.Atoi(value)
		case 'f':
			end()
		case 't':
			family = value
		case 'n':
			local, remote, _ := strings.Cut(value, "->")
			if s.addr, s.port = parseLsofAddress(local, family); remote != "" {
				addr, port := parseLsofAddress(remote, family)
				s.remote = netip.AddrPortFrom(addr, uint16(port))
			}
		case 'T':
			if st, ok := strings.CutPrefix(value, "ST="); ok {
				state = st
			}
		}
	}
	end()
	return found
}

// parseLsofAddress parses "127.0.0.1:80", "[::1]:80" or "*:80". The port is 0 if
// there is none.
func parseLsofAddress(text, family string) (netip.Addr, int) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return netip.Addr{}, 0
	}
	port, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil {
		return netip.Addr{}, 0
	}
	host := strings.Trim(text[:i], "[]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap(), int(port)
	}
	if family == "IPv6" {
		return netip.IPv6Unspecified(), int(port)
	}
	return netip.IPv4Unspecified(), int(port)
}

// lsofState returns a state by the name that it has in a Connection. BSD calls a
// socket that is only bound closed.
func lsofState(state string, remote netip.AddrPort) string {
	switch state {
	case "SYN_RCVD":
		return "syn_recv"
	case "FIN_WAIT_1":
		return "fin_wait1"
	case "FIN_WAIT_2":
		return "fin_wait2"
	case "CLOSED":
		if !remote.IsValid() {
			return "bound"
		}
	}
	return strings.ToLower(state)
}

// coalescer lets callers that ask at the same time share an answer. An answer
// was requested from the system after each of its callers has asked, so that it
// is never older than the question.
type coalescer struct {
	ask func(context.Context) ([]socket, error)

	mu      sync.Mutex // guards the fields below
	running bool
	waiting *pending // of the next call; nil if no caller waits
}

type pending struct {
	done    chan struct{}
	sockets []socket
	err     error
}

func (c *coalescer) sockets(ctx context.Context) ([]socket, error) {
	c.mu.Lock()
	if c.waiting == nil {
		c.waiting = &pending{done: make(chan struct{})}
	}
	p := c.waiting
	if !c.running {
		c.running = true
		go c.run()
	}
	c.mu.Unlock()
	select {
	case <-p.done:
		return p.sockets, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run answers until no caller waits.
func (c *coalescer) run() {
	for {
		c.mu.Lock()
		p := c.waiting
		c.waiting, c.running = nil, p != nil
		c.mu.Unlock()
		if p == nil {
			return
		}
		p.sockets, p.err = c.ask(context.Background()) // for callers with other contexts, too
		close(p.done)
	}
}
