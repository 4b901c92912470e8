//go:build !linux

package portserver

// bootID has nothing to tell apart: a time of start is absolute here.
func bootID() (string, error) { return "-", nil }
