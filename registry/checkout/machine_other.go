//go:build !linux

package checkout

// machine identifies the directory tree that this process sees. Outside Linux,
// it does not share a home with containers.
func machine() string { return "-" }
