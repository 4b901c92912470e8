//go:build unix

package terminal

import (
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func open(size Size) (master, slave *os.File, err error) {
	m, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	// pty.Open calls m.Fd, after which m may block and support no deadlines.
	if master, err = pollable(m); err == nil {
		err = resize(master, size)
	}
	if err != nil {
		slave.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// pollable returns a second, non-blocking descriptor of f.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func resize(master *os.File, size Size) error {
	cells := func(n int) uint16 { return uint16(min(max(n, 1), 1<<16-1)) }
	window := unix.Winsize{Row: cells(size.Rows), Col: cells(size.Columns)}
	return control(master, func(fd int) error {
		return os.NewSyscallError("ioctl", unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &window))
	})
}
