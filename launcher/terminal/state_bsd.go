//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	getTermios, setTermios = unix.TIOCGETA, unix.TIOCSETA

	disabled = 0xff // _POSIX_VDISABLE: no key
)

func resumeOutput(tty *os.File) error {
	return control(tty, func(fd int) error {
		return os.NewSyscallError("ioctl", unix.IoctlSetInt(fd, unix.TIOCSTART, 0))
	})
}
