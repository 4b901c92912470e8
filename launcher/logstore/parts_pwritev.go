//go:build darwin || linux || openbsd

package logstore

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// maxParts is the number of parts that one call of pwritev(2) takes (IOV_MAX).
const maxParts = 1024

// writeParts writes parts one after another, starting at pos, with as few
// system calls as possible.
func writeParts(f *os.File, parts [][]byte, pos int64) error {
	for len(parts) > 0 {
		now := parts[:min(len(parts), maxParts)]
		n, err := unix.Pwritev(int(f.Fd()), now, pos)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: "pwritev", Path: f.Name(), Err: err}
		}
		if n == 0 && err == nil {
			return io.ErrShortWrite
		}
		pos += int64(max(n, 0))
		for len(now) > 0 && n >= len(now[0]) {
			n -= len(now[0])
			now, parts = now[1:], parts[1:]
		}
		if n > 0 { // the system has written less, such as the rest of a disk
			if _, err := f.WriteAt(parts[0][n:], pos); err != nil {
				return err
			}
			pos += int64(len(parts[0]) - n)
			parts = parts[1:]
		}
	}
	return nil
}
