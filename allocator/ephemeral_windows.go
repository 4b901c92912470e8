package allocator

import (
	"bytes"
	"os/exec"
)

// localPorts runs netsh, which needs no privileges. It reads only the ranges of
// IPv4: those of IPv6 are the same unless an administrator has changed them. A
// netsh that prints nothing, as that of Wine, is like none.
func localPorts() (Local, error) {
	local := fallback()
	if out, err := exec.Command("netsh", "int", "ipv4", "show", "dynamicport", "tcp").Output(); err == nil && len(bytes.TrimSpace(out)) > 0 {
		ephemeral, err := parseDynamicPort(string(out))
		if err != nil {
			return local, err
		}
		local.Ephemeral = ephemeral
	}
	if out, err := exec.Command("netsh", "int", "ipv4", "show", "excludedportrange", "protocol=tcp").Output(); err == nil {
		local.Excluded = parseExcludedPortRange(string(out))
	}
	return local, nil
}
