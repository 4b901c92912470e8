package holder

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// entry is the kernel's description of a TCP socket.
type entry struct {
	state         state
	local, remote netip.AddrPort
	uid, inode    string // inode is "0" if no process has the socket any more
	cookie        uint64 // 0 if unknown
	v6only        bool   // IPV6_V6ONLY; false if unknown
}

// state is the kernel's number for a state of a TCP socket.
type state uint8

const (
	bound  state = 7 // bound but not listening: TCP_CLOSE
	listen state = 10
	last   state = 13 // requests bound sockets; kernels before Linux 6.8 ignore it
)

var stateNames = [...]string{
	1: "established", 2: "syn_sent", 3: "syn_recv", 4: "fin_wait1", 5: "fin_wait2", 6: "time_wait",
	bound: "bound", 8: "close_wait", 9: "last_ack", listen: "listen", 11: "closing", 12: "syn_recv",
}

func (s state) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return "state " + strconv.Itoa(int(s))
}

// The states to dump, one bit each.
const (
	listenStates uint32 = 1 << listen
	otherStates  uint32 = 1<<(last+1) - 1 - listenStates
)

// entries returns the sockets in any of states on the wanted ports. If
// sock_diag(7) is refused, for example by gVisor or seccomp, it reads the
// slower tables in /proc/net, which do not list sockets that are only bound.
func entries(states uint32, wanted []int) ([]entry, error) {
	port := 0
	if len(wanted) == 1 {
		port = wanted[0]
	}
	all, err := dump(states, port)
	if err != nil {
		all, err = tables()
	}
	return slices.DeleteFunc(all, func(e entry) bool {
		return states&(1<<e.state) == 0 || len(wanted) > 0 && !slices.Contains(wanted, int(e.local.Port()))
	}), err
}

// tables returns the sockets of /proc/net/tcp and tcp6, proc_net_tcp in the
// kernel's documentation.
func tables() ([]entry, error) {
	var all []entry
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && name == "/proc/net/tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		sockets, err := parseTable(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, sockets...)
	}
	return all, nil
}

// parseTable parses a table; its first line is a heading.
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//	 0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 …
func parseTable(text string) ([]entry, error) {
	_, text, _ = strings.Cut(text, "\n")
	var all []entry
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 10 {
			return nil, fmt.Errorf("line %q has fewer than 10 fields", line)
		}
		local, err := parseAddrPort(fields[1])
		if err != nil {
			return nil, err
		}
		remote, err := parseAddrPort(fields[2])
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(fields[3], 16, 5)
		if err != nil {
			return nil, fmt.Errorf("%q is not a socket's state", fields[3])
		}
		all = append(all, entry{state: state(number), local: local, remote: remote, uid: fields[7], inode: fields[9]})
	}
	return all, nil
}

// parseAddrPort parses "0100007F:1F90". The port is a number; the address is
// one or four 32-bit words in the machine's byte order.
func parseAddrPort(text string) (netip.AddrPort, error) {
	fail := fmt.Errorf("%q is not a socket's address", text)
	addrText, portText, _ := strings.Cut(text, ":")
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fail
	}
	octets, err := hex.DecodeString(addrText)
	if err != nil || len(octets)%4 != 0 {
		return netip.AddrPort{}, fail
	}
	for word := octets; len(word) > 0; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	addr, ok := netip.AddrFromSlice(octets)
	if !ok {
		return netip.AddrPort{}, fail
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}
