package proctree

import (
	"slices"

	"github.com/devports/devports/allocator/process"
)

func (t Tree) marked(variable string) []Process {
	var found []Process
	for _, p := range t.all {
		if p.Zombie {
			continue
		}
		if environ, err := process.Environ(p.PID); err == nil && slices.Contains(environ, variable) {
			found = append(found, p)
		}
	}
	return found
}
