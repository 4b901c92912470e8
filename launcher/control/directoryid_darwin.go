package control

import (
	"fmt"
	"syscall"
)

// directoryID identifies a directory even after it has moved; "" if it does not
// exist. The inode of a removed directory may be reused at once, so the ID
// includes the creation time.
func directoryID(path string) string {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d:%d.%09d", s.Dev, s.Ino, s.Birthtimespec.Sec, s.Birthtimespec.Nsec)
}
