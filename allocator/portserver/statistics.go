package portserver

import "fmt"

// Statistics are the counts that portpicker's server keeps.
type Statistics struct {
	Errors      int // requests that could not be read, or did not come in time
	Denied      int // requests that were read, but got no port
	Managed     int // ports in the pool
	LastChecked int // candidates that were looked at for the last request
	Allocations int // requests that got a port
}

// String returns the lines that portpicker's server writes on SIGUSR1. The last
// one has no end.
func (s Statistics) String() string {
	return fmt.Sprintf(`Dumping statistics:
client-request-errors %d
denied-allocations %d
num-ports-managed %d
num-ports-checked-for-last-request %d
total-allocations %d`, s.Errors, s.Denied, s.Managed, s.LastChecked, s.Allocations)
}
