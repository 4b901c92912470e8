//go:build linux || darwin

package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalCompared sends sig by PID, right after it was seen to be the process's.
func (id ID) signalCompared(sig syscall.Signal) error {
	if err := id.check(); err != nil {
		return err
	}
	return done(unix.Kill(id.PID, sig))
}

// done translates the error that means that there is no such process.
func done(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
