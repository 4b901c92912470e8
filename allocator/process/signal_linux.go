package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// signal uses a pidfd, which never refers to another process.
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

// Open returns a pidfd of the process on Linux, or os.ErrProcessDone if it has
// ended. It becomes readable when the process ends. The caller closes it with
// unix.Close.
func (id ID) Open() (fd int, err error) {
	fd, err = unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return -1, done(err)
	}
	// Check after opening: if the PID still belongs to the process, so does the
	// pidfd.
	if err := id.check(); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// noPidfd reports whether the kernel is older than Linux 5.3, or a container's
// seccomp filter forbids pidfds.
func noPidfd(err error) bool { return errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) }
