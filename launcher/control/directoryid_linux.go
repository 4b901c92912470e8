package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// folderID identifies a folder wherever it is moved, "" if there is none. The
// inode of one that was removed may be another's at once, so the time when it was
// made is part of it, where the file system has that.
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
