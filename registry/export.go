package registry

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/devports/devports/allocator"
)

// ExportFormats returns the formats that Export writes.
func ExportFormats() []Format { return []Format{PortFor, Plut, Dotenv} }

// Unfit is a lease that a format cannot represent.
type Unfit struct {
	Lease  Lease
	Reason string // a clause: "port-for would lowercase it to foo"
}

// UnfitError lists all leases of one call of Export that the format cannot
// represent, in their order. Nothing was written.
type UnfitError struct {
	Format Format
	Unfit  []Unfit
}

func (e *UnfitError) Error() string {
	lines := make([]string, len(e.Unfit))
	for i, u := range e.Unfit {
		lines[i] = fmt.Sprintf("%v cannot be exported as %s: %s", u.Lease, e.Format, u.Reason)
	}
	return strings.Join(lines, "\n")
}

// Export writes leases in a format, in their order, with one call of w.Write.
// It writes nothing if the format cannot represent all of them.
//
// The formats have no scopes, so no two leases may have the same name in
// PortFor and Plut, or the same variable in Dotenv. PortFor is also
// case-insensitive, and has sections and comments. ParseForeign reads the
// output for PortFor and Plut back unchanged.
//
// The error is an *UnfitError, that of w.Write, or reports an unknown format.
func Export(w io.Writer, f Format, leases []Lease) error {
	var content []byte
	var err error
	switch f {
	case PortFor:
		content, err = flat{format: f, key: portForKey, start: "[DEFAULT]\n", line: "%s = %d\n"}.export(leases)
	case Plut:
		content, err = flat{format: f, key: plutKey, start: "{", line: "\n  %s: %d", comma: ",", end: "\n}\n"}.export(leases)
	case Dotenv:
		content, err = flat{format: f, key: variableKey, line: "%s=%d\n"}.export(leases)
	default:
		err = fmt.Errorf("registry: cannot export the format %q", f)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

// flat is a format with only names and ports.
type flat struct {
	format                  Format
	key                     func(allocator.PortName) (key, fault string) // the name in the format, or why it has none
	start, line, comma, end string
}

func (f flat) export(leases []Lease) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(f.start)
	var unfit []Unfit
	owners := map[string]Lease{}
	for i, l := range leases {
		key, fault := f.key(l.Name)
		if other, taken := owners[key]; taken && fault == "" {
			fault = fmt.Sprintf("its name there, %s, clashes with %v", key, other)
		}
		if fault != "" {
			unfit = append(unfit, Unfit{l, fault})
			continue
		}
		owners[key] = l
		if i > 0 {
			b.WriteString(f.comma)
		}
		fmt.Fprintf(&b, f.line, key, l.Port)
	}
	if len(unfit) > 0 {
		return nil, &UnfitError{f.format, unfit}
	}
	b.WriteString(f.end)
	return b.Bytes(), nil
}

// portForKey returns a name for Python's configparser.
func portForKey(n allocator.PortName) (key, fault string) {
	key = n.String()
	switch lower := strings.ToLower(key); {
	case n.Port != "":
		return "", "port-for ends a name at a colon"
	case lower != key:
		return "", "port-for would lowercase it to " + lower
	case key[0] == '#' || key[0] == ';':
		return "", "port-for would read it as a comment"
	case key[0] == '[':
		return "", "port-for would read it as a section"
	}
	return key, ""
}

// plutKey returns a name as a JSON string; plut accepts any.
func plutKey(n allocator.PortName) (key, fault string) {
	return string(appendString(nil, n.String())), ""
}

// variableKey returns the variable of a service's port.
func variableKey(n allocator.PortName) (key, fault string) { return n.Variable(), "" }
