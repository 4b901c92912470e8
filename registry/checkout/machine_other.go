//go:build !linux

package checkout

// machine is constant: only on Linux do containers share the user's home
// directory with the host.
func machine() string { return "-" }
