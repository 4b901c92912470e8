//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// State is how a terminal treats what is typed. It is a value that can be
// compared, written as JSON, and read again by the same program.
type State struct{ Termios unix.Termios }

func foreground(tty *os.File) bool {
	group := 0
	err := control(tty, func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return err == nil && group == unix.Getpgrp()
}

func stateOf(tty *os.File) (s State, err error) {
	err = control(tty, func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, getTermios)
		if err == nil {
			s.Termios = *t
		}
		return os.NewSyscallError("ioctl", err)
	})
	return s, err
}

func (s State) apply(tty *os.File) error {
	return control(tty, func(fd int) error {
		return os.NewSyscallError("ioctl", unix.IoctlSetTermios(fd, setTermios, &s.Termios))
	})
}

// keys is what stty(1) calls -icanon -echo min 1 time 0.
func (s State) keys() State {
	t := &s.Termios
	t.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return s
}

// raw leaves output alone: each newline written still begins a row.
func (s State) raw() State {
	s = s.keys()
	t := &s.Termios
	t.Lflag &^= unix.ISIG
	t.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP | unix.IXON
	return s
}

// control calls do with the descriptor of a file, which stays as it is.
func control(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn() // not Fd, see open
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
