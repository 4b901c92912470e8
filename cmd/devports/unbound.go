package main

import (
	"fmt"
	"slices"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/registry"
)

// noteUnbound notes which pins of the names (none stands for all) do not apply
// in a scope.
func (s session) noteUnbound(p project.Project, scope registry.Scope, names ...allocator.PortName) {
	var pins []string
	for _, w := range p.Unbound(scope) {
		if len(names) == 0 || slices.Contains(names, w.Name) {
			pins = append(pins, fmt.Sprintf("%d (%s)", w.Pin, w.Name))
		}
	}
	switch len(pins) {
	case 0:
	case 1:
		s.note("pin %s does not apply in %s: pins apply only in the main checkout", pins[0], scope)
	default:
		s.note("pins %s do not apply in %s: pins apply only in the main checkout", wording.List(pins), scope)
	}
}

// unboundPin formats the note that a pin does not apply in a scope.
func unboundPin(scope registry.Scope) func(allocator.WantedPort) (text, hint string) {
	return func(w allocator.WantedPort) (text, hint string) {
		return fmt.Sprintf("%s: pin %d does not apply in %s", w.Name, w.Pin, scope),
			fmt.Sprintf("pins apply only in the main checkout; to print the port here: devports port %s", w.Name)
	}
}

// noteChange notes that a scope was moved, or did not get the expected name.
func (s session) noteChange(c registry.Change) {
	from, to := c.From, c.Scope
	switch {
	case from.Directory == "":
	case from.String() == to.String():
		s.note("%s was moved here from %s and keeps its ports", to, from.Directory)
	default:
		s.note("%s was renamed to %s (previously at %s) and keeps its ports", from, to, from.Directory)
	}
	if c.Namesake.Directory != "" {
		s.note("the name %s is taken by %s; using %s", c.Namesake, c.Namesake.Directory, to)
	}
}
