package allocator

import (
	"cmp"
	"strings"
)

// PortName names a port in its scope: a service's own port, or an additional
// one. The packages that parse names decide which ones are valid.
type PortName struct {
	Service string
	Port    string // the name of an additional port; "" is the service's own port
}

// String returns "auth", or "auth:metrics" for an additional port.
func (n PortName) String() string {
	if n.Port == "" {
		return n.Service
	}
	return n.Service + ":" + n.Port
}

// Compare orders names by service, a service's own port before its others.
func (n PortName) Compare(m PortName) int {
	return cmp.Or(cmp.Compare(n.Service, m.Service), cmp.Compare(n.Port, m.Port))
}

// Variable returns the name of the environment variable that passes the port to
// every service: PORT_AUTH, PORT_AUTH_METRICS.
func (n PortName) Variable() string {
	v := "PORT_" + variablePart(n.Service)
	if n.Port != "" {
		v += "_" + variablePart(n.Port)
	}
	return v
}

// WantedPort is a name that needs a port.
type WantedPort struct {
	Name PortName
	Pin  int // the required port, 1-65535; 0: any

	Undeclared bool // not in the project's file: it is for a command that is not a service
}

// variablePart returns a name in the form for a variable: upper case, with an
// underscore for everything that is neither a letter nor a digit.
func variablePart(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}
