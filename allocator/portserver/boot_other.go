//go:build !linux

package portserver

// bootID is constant: start times of processes are absolute on these systems.
func bootID() (string, error) { return "-", nil }
