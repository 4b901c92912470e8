package main

import "sync"

// buildCauses are the changes that made services' builds necessary, for the
// lines that announce the builds. The zero value is empty. Its methods may be
// called from any goroutine.
type buildCauses struct {
	mu        sync.Mutex
	byService map[string]string // guarded by mu
}

// set sets the cause of the next build of a service.
func (c *buildCauses) set(service, cause string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byService == nil {
		c.byService = map[string]string{}
	}
	c.byService[service] = cause
}

// take returns the cause of a build that starts now, and forgets it; "" if it
// is not known.
func (c *buildCauses) take(service string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	cause := c.byService[service]
	delete(c.byService, service)
	return cause
}
