//go:build unix

package view

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// suspendSignals are the signals of Ctrl-Z. Without a shell that could continue
// devports, as in `ssh -t HOST devports up`, there are none: the system ignores
// Ctrl-Z, and so must devports.
func suspendSignals() []os.Signal {
	if session, err := unix.Getsid(0); err != nil || session == unix.Getpgrp() {
		return nil
	}
	return []os.Signal{unix.SIGTSTP}
}

// continueSignals are the signals of fg and bg.
func continueSignals() []os.Signal { return []os.Signal{unix.SIGCONT} }

// isBrokenPipe reports whether the reader of a pipe is gone.
func isBrokenPipe(err error) bool { return errors.Is(err, unix.EPIPE) }

// stopSelf stops this process until a shell continues it.
func stopSelf() { _ = unix.Kill(os.Getpid(), unix.SIGSTOP) }
