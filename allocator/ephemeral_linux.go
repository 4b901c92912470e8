package allocator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// The files are described in the kernel's
// Documentation/networking/ip-sysctl.rst. They apply to IPv6, too, and to the
// network namespace of the reader.
const (
	portRangeFile     = "/proc/sys/net/ipv4/ip_local_port_range"
	reservedPortsFile = "/proc/sys/net/ipv4/ip_local_reserved_ports"
)

func localPorts() (Local, error) {
	local := fallback()
	ephemeral, err := readPorts(portRangeFile, parsePortRange)
	if err != nil {
		return local, err
	}
	reserved, err := readPorts(reservedPortsFile, parseReservedPorts)
	if err != nil {
		return local, err
	}
	if !ephemeral.Empty() {
		local.Ephemeral = ephemeral
	}
	local.Reserved = reserved
	return local, nil
}

// readPorts returns the empty set if the file does not exist or is not
// readable, as in some sandboxes.
func readPorts(name string, parse func(string) (Set, error)) (Set, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return Set{}, nil
	}
	if err != nil {
		return Set{}, err
	}
	s, err := parse(string(text))
	if err != nil {
		return Set{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// parsePortRange parses "32768\t60999\n".
func parsePortRange(text string) (Set, error) {
	return parseSet(strings.Join(strings.Fields(text), "-"), 0)
}

// parseReservedPorts parses "8080,9148-9150\n", or an empty line.
func parseReservedPorts(text string) (Set, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Set{}, nil
	}
	return parseSet(text, 0)
}
