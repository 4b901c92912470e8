//go:build !linux

package allocator

// newProbe returns the function that probes a port.
func newProbe() func(port int) (bool, error) { return probeEach }
