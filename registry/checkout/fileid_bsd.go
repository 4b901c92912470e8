//go:build unix && !linux && !darwin

package checkout

import "syscall"

// born returns "": not all of these systems report the creation time of a file.
func born(*syscall.Stat_t) string { return "" }
