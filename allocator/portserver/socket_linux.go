package portserver

import "golang.org/x/sys/unix"

// socket returns a socket that a child process does not inherit.
func socket(family, kind int) (fd int, err error) {
	return unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
}
