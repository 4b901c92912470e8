//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// replace makes this process the program at path.
func replace(path string, argv, env []string) error { return unix.Exec(path, argv, env) }

// statisticsSignals ask a port server for its statistics.
func statisticsSignals() []os.Signal { return []os.Signal{unix.SIGUSR1} }

// ownedByAnother tells whether path, or the nearest folder above it that there
// is, belongs to another user.
func ownedByAnother(path string) bool {
	for {
		info, err := os.Stat(path)
		if err == nil {
			stat, ok := info.Sys().(*syscall.Stat_t)
			return ok && int(stat.Uid) != os.Getuid()
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}
