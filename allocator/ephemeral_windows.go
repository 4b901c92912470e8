package allocator

import "os/exec"

// localPorts asks netsh, which needs no privileges. IPv4 stands for both
// families, whose ranges are the same unless somebody changed one of them.
func localPorts() (Local, error) {
	local := fallback()
	if out, err := exec.Command("netsh", "int", "ipv4", "show", "dynamicport", "tcp").Output(); err == nil {
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
