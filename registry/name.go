package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devports/devports/allocator"
)

// ParseName parses the form of PortName.String: "auth", or "auth:metrics". The
// error is a *NameError.
func ParseName(s string) (allocator.PortName, error) {
	service, port, further := strings.Cut(s, ":")
	n := allocator.PortName{Service: service, Port: port}
	if further && port == "" {
		return allocator.PortName{}, &NameError{s, "it has no port name after the colon"}
	}
	return n, checkName(n)
}

// checkName rejects names that the file cannot store or a listing cannot print.
// The rules for names in a Portfile are stricter.
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

// fault returns the reason why a part of a name is invalid, or "".
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
		return "it starts or ends with white space"
	}
	return ""
}

// plain reports quickly, for most names, that they are valid.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= utf8.RuneSelf-1 || c == '=' || c == ':' {
			return false
		}
	}
	return s != ""
}

// NameError reports that a string is not a valid name in the registry.
type NameError struct {
	Name   string
	Reason string // a clause: "it is empty"
}

func (e *NameError) Error() string { return fmt.Sprintf("invalid name %q: %s", e.Name, e.Reason) }
