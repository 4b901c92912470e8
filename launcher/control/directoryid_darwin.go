package control

import (
	"fmt"
	"syscall"
)

// folderID identifies a folder wherever it is moved, "" if there is none. The
// inode of one that was removed may be another's at once, so the time when it was
// made is part of it.
func directoryID(path string) string {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return ""
	}
	return fmt.Sprintf("%d:%d:%d.%09d", s.Dev, s.Ino, s.Birthtimespec.Sec, s.Birthtimespec.Nsec)
}
