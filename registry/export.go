package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
)

// ExportFormats are the formats that Export writes.
func ExportFormats() []Format { return []Format{PortFor, Plut, JSON, Dotenv} }

// Unfit is a lease that a format cannot hold.
type Unfit struct {
	Lease  Lease
	Reason string // a clause: "port-for would call it foo"
}

// UnfitError lists all leases of one call of Export that the format cannot hold, in their order. Nothing was written.
type UnfitError struct {
	Format Format
	Unfit  []Unfit
}

func (e *UnfitError) Error() string {
	lines := make([]string, len(e.Unfit))
	for i, u := range e.Unfit {
		lines[i] = fmt.Sprintf("%s of %v cannot be exported as %s: %s", u.Lease.Name, u.Lease.Scope, e.Format, u.Reason)
	}
	return strings.Join(lines, "\n")
}

// Export writes leases in a format, in their order, with one call of w.Write, or writes nothing if the format cannot hold them all.
//
// JSON holds everything. The others know no scopes, so no two leases may be called alike: by their name in PortFor and Plut, by
// that of their variable in Dotenv. PortFor has sections and comments besides, and no case. What PortFor and Plut hold,
// ParseForeign reads back as it was.
//
// The error is an *UnfitError, that of w.Write, or says that the format is none of ExportFormats.
func Export(w io.Writer, f Format, leases []Lease) error {
	var content []byte
	var err error
	switch f {
	case JSON:
		content, err = exportJSON(leases)
	case PortFor:
		content, err = flat{format: f, key: portForKey, start: "[DEFAULT]\n", line: "%s = %d\n"}.export(leases)
	case Plut:
		content, err = flat{format: f, key: plutKey, start: "{", line: "\n  %s: %d", comma: ",", end: "\n}\n"}.export(leases)
	case Dotenv:
		content, err = flat{format: f, key: variableKey, line: "%s=%d\n"}.export(leases)
	default:
		err = fmt.Errorf("registry: %q is not a format to export", f)
	}
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

// flat is a format that has nothing but names and ports.
type flat struct {
	format                  Format
	key                     func(allocator.PortName) (key, fault string) // what a name is called there, or why it cannot be there
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
			fault = fmt.Sprintf("it would be called %s, like %s of %v", key, other.Name, other.Scope)
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

// portForKey is a name as Python's configparser takes it.
func portForKey(n allocator.PortName) (key, fault string) {
	key = n.String()
	switch lower := strings.ToLower(key); {
	case n.Port != "":
		return "", "a colon ends a name there"
	case lower != key:
		return "", "port-for would call it " + lower
	case key[0] == '#' || key[0] == ';':
		return "", "port-for would take it for a comment"
	case key[0] == '[':
		return "", "port-for would take it for a section"
	}
	return key, ""
}

// plutKey is a name as a JSON string; plut sets no limits.
func plutKey(n allocator.PortName) (key, fault string) {
	return string(appendString(nil, n.String())), ""
}

// variableKey is what the variable with a service's port is called.
func variableKey(n allocator.PortName) (key, fault string) { return n.Variable(), "" }

// exportJSON writes what devports ls --json does, less what it sees on the machine.
func exportJSON(leases []Lease) ([]byte, error) {
	type row struct {
		Project   string    `json:"project,omitempty"`
		Worktree  string    `json:"worktree,omitempty"`
		Directory string    `json:"directory,omitempty"`
		Name      string    `json:"name"`
		Port      int       `json:"port"`
		Pinned    bool      `json:"pinned"`
		Since     time.Time `json:"since"`

		Undeclared bool `json:"undeclared,omitempty"`
	}
	rows := make([]row, len(leases))
	for i, l := range leases {
		rows[i] = row{l.Scope.Project, l.Scope.Worktree, l.Scope.Directory, l.Name.String(), l.Port, l.Pinned, l.Since, l.Undeclared}
	}
	content, err := json.MarshalIndent(rows, "", "  ")
	return append(content, '\n'), err
}
