package holder

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// entry is a line of /proc/net/tcp or tcp6, proc_net_tcp in the kernel's
// documentation.
type entry struct {
	port       int
	addr       netip.Addr
	uid, inode string
}

// tables returns the listening sockets on the wanted ports, of both families.
func tables(wanted func(port int) bool) ([]entry, error) {
	var entries []entry
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && name == "/proc/net/tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		listening, err := parseTable(string(text), wanted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		entries = append(entries, listening...)
	}
	return entries, nil
}

// listenState is TCP_LISTEN, as the table spells it.
const listenState = "0A"

// parseTable reads a table; its first line is a heading.
//
//	sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//	 0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 …
func parseTable(text string, wanted func(port int) bool) ([]entry, error) {
	_, text, _ = strings.Cut(text, "\n")
	var entries []entry
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 10 {
			return nil, fmt.Errorf("line %q has fewer than 10 fields", line)
		}
		if fields[3] != listenState {
			continue
		}
		local, err := parseAddrPort(fields[1])
		if err != nil {
			return nil, err
		}
		if port := int(local.Port()); wanted(port) {
			entries = append(entries, entry{port: port, addr: local.Addr(), uid: fields[7], inode: fields[9]})
		}
	}
	return entries, nil
}

// parseAddrPort reads "0100007F:1F90". The port is a number; the address is one
// or four 32-bit words in the byte order of the machine.
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
