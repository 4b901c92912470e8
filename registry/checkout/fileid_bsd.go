//go:build unix && !linux && !darwin

package checkout

import "syscall"

// born is when a file was made, which not all of these systems tell.
func born(*syscall.Stat_t) string { return "" }
