package registry

import (
	"fmt"
	"strings"

	"github.com/devports/devports/allocator"
)

// DamagedError reports that the registry's file cannot be parsed. Such a file
// is never overwritten and never treated as empty.
type DamagedError struct {
	Path string
	Line int // from 1
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// NewerError reports that a newer devports wrote the registry in a format that
// this one does not support. The file is left unchanged.
type NewerError struct {
	Path    string
	Version int // of the file
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer devports: it has format %d, and this devports supports %d", e.Path, e.Version, version)
}

// Conflict is a pin on a port that was chosen for another name, which keeps it.
type Conflict struct {
	Name  allocator.PortName // the pinned name
	Port  int
	Owner Lease // the lease that has the port
	Gone  bool  // the directory of the owner is certainly gone: see Registry.Gone
}

// ConflictError lists every conflict of one call of Lease, in name order.
// Nothing was leased.
type ConflictError struct {
	Scope     Scope // of the pinned names
	Conflicts []Conflict
}

func (e *ConflictError) Error() string {
	lines := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		lines[i] = fmt.Sprintf("%s pins port %d, which was chosen for %s of %v", c.Name, c.Port, c.Owner.Name, c.Owner.Scope)
	}
	return strings.Join(lines, "\n")
}

// UnknownError lists the names given to Remove that have no lease in the scope,
// in name order. Nothing was removed.
type UnknownError struct {
	Scope Scope
	Names []allocator.PortName
}

func (e *UnknownError) Error() string {
	names := make([]string, len(e.Names))
	for i, n := range e.Names {
		names[i] = n.String()
	}
	return fmt.Sprintf("no lease in %v for: %s", e.Scope, strings.Join(names, ", "))
}
