package allocator

import (
	"cmp"
	"strings"
)

// PortName names a port within its scope: a service's own, or one of its further
// ports. What each part may be is up to the packages that read it from a
// file.
type PortName struct {
	Service string
	Port    string // the further port's name; "" is the service's own port
}

// String gives "auth", or "auth:metrics" for a further port.
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

// Variable is the name of the environment variable by which every service is
// given the port: PORT_AUTH, PORT_AUTH_METRICS.
func (n PortName) Variable() string {
	v := "PORT_" + variablePart(n.Service)
	if n.Port != "" {
		v += "_" + variablePart(n.Port)
	}
	return v
}

// WantedPort is a name that is to have a port.
type WantedPort struct {
	Name PortName
	Pin  int // the port it shall be, 1-65535; 0 is for any

	Undeclared bool // the project's file does not have it: a command that is no service is to run with it
}

// variablePart is the form that a name takes in the name of a variable: upper
// case, and an underscore for everything that is neither a letter nor a digit.
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
