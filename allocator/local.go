package allocator

// Local is what a machine keeps to itself.
type Local struct {
	// Ephemeral is the range from which the system takes the local port of an
	// outgoing connection, so that a port in it may be in use at any time.
	Ephemeral Set
	// Reserved are ports that the administrator took out of the ephemeral range.
	// They can be bound by whoever names them.
	Reserved Set
	// Excluded are ports that the system set aside: they cannot be bound.
	Excluded Set
}

// Exposes reports whether an outgoing connection may hold port.
func (l Local) Exposes(port int) bool {
	return l.Ephemeral.Contains(port) && !l.Reserved.Union(l.Excluded).Contains(port)
}

// dynamicPorts are the Dynamic Ports of RFC 6335, section 6: the ephemeral range
// where a system does not tell its own.
var dynamicPorts = Range{49152, 65535}

// LocalPorts asks the system for its ephemeral and reserved ports. Where it does
// not tell, the ephemeral range is that of RFC 6335 and nothing is reserved;
// this is also what LocalPorts returns beside an error, which says what the
// system told that cannot be understood.
func LocalPorts() (Local, error) { return localPorts() }

func fallback() Local { return Local{Ephemeral: NewSet(dynamicPorts)} }
