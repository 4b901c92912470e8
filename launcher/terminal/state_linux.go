package terminal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

const (
	getTermios, setTermios = unix.TCGETS, unix.TCSETS

	disabled = 0 // _POSIX_VDISABLE: no key
)

// resumeOutput stops output first, because TCOON resumes only output that TCOOFF has
// stopped, not output that Ctrl-S has.
func resumeOutput(tty *os.File) error {
	const off, on = 0, 1 // TCOOFF, TCOON
	return control(tty, func(fd int) error {
		return os.NewSyscallError("ioctl", errors.Join(
			unix.IoctlSetInt(fd, unix.TCXONC, off), unix.IoctlSetInt(fd, unix.TCXONC, on),
		))
	})
}
