package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devports/devports/allocator"
)

// ParseName reads what PortName.String writes: "auth", or "auth:metrics". The error is a *NameError.
func ParseName(s string) (allocator.PortName, error) {
	service, port, further := strings.Cut(s, ":")
	n := allocator.PortName{Service: service, Port: port}
	if further && port == "" {
		return allocator.PortName{}, &NameError{s, "no port is named after the colon"}
	}
	return n, checkName(n)
}

// checkName refuses what the file could not hold and a listing could not show. What a service may be called in a Portfile is stricter,
// and not decided here.
func checkName(n allocator.PortName) error {
	reason := fault(n.Service)
	if reason == "" && n.Port != "" {
		reason = fault(n.Port)
	}
	if reason == "" {
		return nil
	}
	return &NameError{n.String(), reason}
}

// fault says what is wrong with one part of a name, "" if nothing is.
func fault(s string) string {
	if plain(s) {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	switch {
	case s == "":
		return "it is empty"
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	case strings.ContainsAny(s, "=:"):
		return "it contains = or :"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "it contains a control character"
	case unicode.IsSpace(first) || unicode.IsSpace(last):
		return "it starts or ends with a blank"
	}
	return ""
}

// plain tells of most names, and quickly, that nothing is wrong with them.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= utf8.RuneSelf-1 || c == '=' || c == ':' {
			return false
		}
	}
	return s != ""
}

// NameError says that a string cannot be a name in the registry.
type NameError struct {
	Name   string
	Reason string // a clause: "it is empty"
}

func (e *NameError) Error() string { return fmt.Sprintf("bad name %q: %s", e.Name, e.Reason) }
