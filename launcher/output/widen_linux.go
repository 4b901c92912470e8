package output

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// widen makes a pipe hold size bytes if it holds less, and reports whether it has.
func widen(file any, size int) (done bool) {
	f, ok := file.(syscall.Conn)
	if !ok {
		return false
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	_ = conn.Control(func(fd uintptr) {
		now, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
		if err == nil && now < size {
			_, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
			done = err == nil
		}
	})
	return done
}
