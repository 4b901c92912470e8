//go:build !darwin

package watcher

import "fmt"

// fileLimit is 0: only kqueue opens the watched files.
func fileLimit() int { return 0 }

// RaiseFileLimit is the command that raises the limit of open files.
func RaiseFileLimit(to int) string { return fmt.Sprintf("ulimit -n %d", to) }
