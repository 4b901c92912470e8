package allocator

// Local are the ports that a machine uses itself.
type Local struct {
	// Ephemeral is the range for the local ports of outgoing connections, so a
	// port in it may be in use at any time.
	Ephemeral Set
	// Reserved are ports that the administrator has excluded from the ephemeral
	// range. Programs can bind them explicitly.
	Reserved Set
	// Excluded are ports that the system has reserved: they cannot be bound.
	Excluded Set
}

// MayBeEphemeral reports whether an outgoing connection may hold port.
func (l Local) MayBeEphemeral(port int) bool {
	return l.Ephemeral.Contains(port) && !l.Reserved.Union(l.Excluded).Contains(port)
}

// dynamicPorts are the Dynamic Ports of RFC 6335, section 6: the default for
// the ephemeral range.
var dynamicPorts = Range{49152, 65535}

// LocalPorts returns the system's ephemeral, reserved and excluded ports. If
// the system does not report them, the ephemeral range is that of RFC 6335, and
// nothing is reserved. LocalPorts also returns these defaults with an error,
// which means that the system's answer cannot be parsed.
func LocalPorts() (Local, error) { return localPorts() }

func fallback() Local { return Local{Ephemeral: NewSet(dynamicPorts)} }
