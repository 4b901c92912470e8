//go:build unix

package view

import (
	"os"

	"golang.org/x/sys/unix"
)

// suspendSignals are what Ctrl-Z sends. Where no shell could continue devports,
// as in `ssh -t HOST devports up`, the system ignores Ctrl-Z, and so must we:
// the stop would be final.
func suspendSignals() []os.Signal {
	if session, err := unix.Getsid(0); err != nil || session == unix.Getpgrp() {
		return nil
	}
	return []os.Signal{unix.SIGTSTP}
}

// continueSignals are what fg and bg send.
func continueSignals() []os.Signal { return []os.Signal{unix.SIGCONT} }

// stopSelf stops this process until a shell continues it.
func stopSelf() { _ = unix.Kill(os.Getpid(), unix.SIGSTOP) }
