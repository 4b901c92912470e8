package portserver

import "github.com/devports/devports/allocator/process"

// existsCache caches which owners exist, zombies included, during one call. A
// test suite may own hundreds of ports, and needs only one lookup. If the
// system has no answer, the owner exists: withholding a port is better than
// handing it out twice.
type existsCache map[process.ID]bool

func (c existsCache) exists(owner process.ID) bool {
	exists, known := c[owner]
	if !known {
		exists = owner.Exists()
		c[owner] = exists
	}
	return exists
}
