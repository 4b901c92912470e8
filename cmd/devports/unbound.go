package main

import (
	"fmt"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/registry"
)

// noteUnbound notes which pins of the names do not bind in a scope; without
// names, of all.
func (s session) noteUnbound(p project.Project, scope registry.Scope, names ...allocator.PortName) {
	var pins []string
	for _, w := range p.Unbound(scope) {
		if len(names) == 0 || slices.Contains(names, w.Name) {
			pins = append(pins, fmt.Sprintf("%d (%s)", w.Pin, w.Name))
		}
	}
	if len(pins) > 0 {
		s.note("%s pinned, not in this checkout, %s: pins bind in the main checkout alone", wording.List(pins), scope)
	}
}

// unboundPin words that a pin does not bind in a scope.
func unboundPin(scope registry.Scope) func(allocator.WantedPort) (text, hint string) {
	return func(w allocator.WantedPort) (text, hint string) {
		return fmt.Sprintf("%s: %d pinned, not in this checkout, %s", w.Name, w.Pin, scope),
			fmt.Sprintf("pins bind in the main checkout alone; devports port %s prints the port here", w.Name)
	}
}

// noteChange notes that a scope has moved, or has got a name that is not the one
// it would have.
func (s session) noteChange(c registry.Change) {
	from, to := c.From, c.Scope
	switch {
	case from.Directory == "":
	case from.String() == to.String():
		s.note("%s has moved here from %s: it keeps its ports", to, from.Directory)
	default:
		s.note("%s has been renamed to %s (it was %s): it keeps its ports", from, to, from.Directory)
	}
	if c.Namesake.Directory != "" {
		s.note("%s is the name of %s: this one is %s", c.Namesake, c.Namesake.Directory, to)
	}
}
