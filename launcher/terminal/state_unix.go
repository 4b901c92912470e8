//go:build unix

package terminal

import (
	"os"
	"path/filepath"
	"syscall"

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

func reopen(tty *os.File) (*os.File, error) {
	wanted, err := tty.Stat()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{"/dev/pts", "/dev"} {
		entries, _ := os.ReadDir(dir) // there may be none
		for _, e := range entries {
			if e.Type()&os.ModeCharDevice == 0 {
				continue
			}
			if there, err := e.Info(); err != nil || device(there) != device(wanted) {
				continue
			}
			if again, err := openTerminal(filepath.Join(dir, e.Name())); err == nil {
				return again, nil
			}
		}
	}
	return openTerminal("/dev/tty") // another user's, or of another container
}

func openTerminal(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
}

// device is the number of the device that a file stands for.
func device(info os.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Rdev) }

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
