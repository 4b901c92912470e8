package portserver

import "fmt"

// Statistics are the counters of portpicker's server.
type Statistics struct {
	Errors      int // requests that were invalid or late
	Denied      int // valid requests that got no port
	Managed     int // ports in the pool
	LastChecked int // candidates examined for the last request
	Allocations int // requests that got a port
}

// String returns the lines that portpicker's server writes on SIGUSR1, without
// the last newline.
func (s Statistics) String() string {
	return fmt.Sprintf(`Dumping statistics:
client-request-errors %d
denied-allocations %d
num-ports-managed %d
num-ports-checked-for-last-request %d
total-allocations %d`, s.Errors, s.Denied, s.Managed, s.LastChecked, s.Allocations)
}
