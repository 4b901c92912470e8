//go:build unix && !linux

package portserver

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// socket returns a socket that a child process does not inherit. The lock
// prevents a fork between the two calls, since not every system can do both in
// one.
func socket(family, kind int) (fd int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err = unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}
