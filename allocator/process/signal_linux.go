package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// signal sends to a pidfd, which stays with the process.
func (id ID) signal(sig syscall.Signal) error {
	fd, err := id.Open()
	if err == nil {
		err = done(unix.PidfdSendSignal(fd, sig, nil, 0))
		unix.Close(fd)
	}
	if noPidfd(err) {
		return id.signalCompared(sig)
	}
	return err
}

// Open returns a pidfd of the process, on Linux, to be closed with unix.Close, or
// os.ErrProcessDone if it has ended. It is readable once the process ends.
func (id ID) Open() (fd int, err error) {
	fd, err = unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return -1, done(err)
	}
	// Once the PID is seen to be the process's, the pidfd can be no other's: so
	// the comparison comes after it.
	if err := id.check(); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// noPidfd is true if the kernel is older than Linux 5.3, or a container's
// seccomp filter refuses.
func noPidfd(err error) bool { return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) }
