//go:build linux || darwin

package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalCompared sends sig to the PID right after checking the ID.
func (id ID) signalCompared(sig syscall.Signal) error {
	if err := id.check(); err != nil {
		return err
	}
	return done(unix.Kill(id.PID, sig))
}

// done translates the error for a missing process.
func done(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
