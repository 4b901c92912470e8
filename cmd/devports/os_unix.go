//go:build unix

package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// replace makes this process the program at path.
func replace(path string, argv, env []string) error { return unix.Exec(path, argv, env) }

// statisticsSignals ask a port server for its statistics.
func statisticsSignals() []os.Signal { return []os.Signal{unix.SIGUSR1} }

// ownedByAnother reports whether path belongs to another user.
func ownedByAnother(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Getuid()
}
