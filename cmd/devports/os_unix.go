//go:build unix

package main

import (
	"math"
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

// resizeSignals tell that the terminal has another size.
func resizeSignals() []os.Signal { return []os.Signal{unix.SIGWINCH} }

// suspendSignals are what Ctrl-Z sends, continueSignals what fg and bg do. Where
// no shell could let devports go on, as in `ssh -t HOST devports up`, the system
// ignores Ctrl-Z, and so must we: it would be for ever.
func suspendSignals() []os.Signal {
	if session, err := unix.Getsid(0); err != nil || session == unix.Getpgrp() {
		return nil
	}
	return []os.Signal{unix.SIGTSTP}
}

func continueSignals() []os.Signal { return []os.Signal{unix.SIGCONT} }

// stopSelf stops this process until a shell lets it go on.
func stopSelf() { _ = unix.Kill(os.Getpid(), unix.SIGSTOP) }

// maxOpenFiles is how many files devports may have open: the runtime raises its
// limit as far as it may.
func maxOpenFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Max, math.MaxInt32)) // of the first, "unlimited" is the largest
}
