package portserver

import "github.com/devports/devports/allocator/process"

// census remembers which owners exist, be it as zombies, for as long as one
// question is looked into. A test suite owns hundreds of ports, and is looked up
// once. Where the system has no answer, an owner exists: better to withhold a port
// than to hand it out twice.
type census map[process.ID]bool

func (c census) exists(owner process.ID) bool {
	exists, known := c[owner]
	if !known {
		exists = owner.Exists()
		c[owner] = exists
	}
	return exists
}
