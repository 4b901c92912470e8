package registry

import (
	"fmt"
	"strings"

	"github.com/devports/devports/allocator"
)

// DamagedError says that the registry's file cannot be understood. It is never overwritten and never counts as empty.
type DamagedError struct {
	Path string
	Line int // from 1
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }

// NewerError says that a later devports wrote the registry, in a format this one does not know. It is left as it is.
type NewerError struct {
	Path    string
	Version int // the file's
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s: the registry has format %d, this devports knows %d", e.Path, e.Version, version)
}

// Conflict is a pin on a port that was chosen for another name, which keeps it.
type Conflict struct {
	Name  allocator.PortName // who pins
	Port  int
	Owner Lease // who has it
	Gone  bool  // the directory of the owner is gone for certain: see Registry.Gone
}

// ConflictError lists every conflict of one call of Lease, in name order. Nothing was leased.
type ConflictError struct {
	Scope     Scope // who asked
	Conflicts []Conflict
}

func (e *ConflictError) Error() string {
	lines := make([]string, len(e.Conflicts))
	for i, c := range e.Conflicts {
		lines[i] = fmt.Sprintf("%s pins port %d, which was chosen for %s of %v", c.Name, c.Port, c.Owner.Name, c.Owner.Scope)
	}
	return strings.Join(lines, "\n")
}

// UnknownError lists the names given to Remove that have no lease in the scope, in name order. Nothing was removed.
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
