//go:build unix

package terminal

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// State is how a terminal treats input. It is comparable, and the same program can
// write it as JSON and read it again.
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
		entries, _ := os.ReadDir(dir) // may not exist
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
	return openTerminal("/dev/tty") // the terminal of another user or container
}

func openTerminal(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
}

// device returns the device number of a device file.
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

// keys sets what stty(1) calls -icanon -echo min 1 time 0.
func (s State) keys() State {
	t := &s.Termios
	t.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return s
}

func (s State) noSuspend() State {
	s.Termios.Cc[unix.VSUSP] = disabled
	return s
}

// raw does not change output: each newline still begins a row at column 1.
func (s State) raw() State {
	s = s.keys()
	t := &s.Termios
	t.Lflag &^= unix.ISIG
	t.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP | unix.IXON
	return s
}

// control calls do with the descriptor of a file, without changing its mode.
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
