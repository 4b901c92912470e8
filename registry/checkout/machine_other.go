//go:build !linux

package checkout

// machine identifies the tree of folders that this process sees: where it is not
// Linux, containers do not share a home with it.
func machine() string { return "-" }
