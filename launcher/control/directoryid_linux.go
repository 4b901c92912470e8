package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// directoryID identifies a directory even after it has moved; "" if it does not
// exist. The inode of a removed directory may be reused at once, so the ID
// includes the creation time, if the file system has it.
func directoryID(path string) string {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return ""
	}
	id := fmt.Sprintf("%d:%d:%d", s.Dev_major, s.Dev_minor, s.Ino)
	if s.Mask&unix.STATX_BTIME != 0 {
		id += fmt.Sprintf(":%d.%09d", s.Btime.Sec, s.Btime.Nsec)
	}
	return id
}
