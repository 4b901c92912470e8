package front

import (
	"net"
	"net/netip"
	"strings"
)

// Home is the label of the page of all checkouts. No site has it.
const Home = "devports"

// name is what a Host asks for.
type name struct {
	kind    nameKind
	site    string // for nameSite and nameService
	service string // for nameService
}

type nameKind int

const (
	nameForeign nameKind = iota // no name of this machine
	nameLocal                   // localhost, or a loopback address
	nameHome                    // the page of all checkouts
	nameSite
	nameService
	nameUnknown // below .localhost, but not such a name
)

// parseName parses a Host, with or without a port.
func parseName(host string) name {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if ip.IsLoopback() {
			return name{kind: nameLocal}
		}
		return name{}
	}
	if host == "localhost" {
		return name{kind: nameLocal}
	}
	names, ok := strings.CutSuffix(host, ".localhost")
	if !ok {
		return name{}
	}
	first, rest, two := strings.Cut(names, ".")
	switch {
	case !two && first == Home:
		return name{kind: nameHome}
	case !two:
		return name{kind: nameSite, site: first}
	case !strings.Contains(rest, "."):
		return name{nameService, rest, first}
	}
	return name{kind: nameUnknown}
}
