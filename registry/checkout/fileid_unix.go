//go:build unix && !linux

package checkout

import (
	"os"
	"strconv"
	"syscall"
)

// FileID identifies a file or directory for its lifetime, whatever its path: by
// its device, its inode and, if the system reports it, its creation time. It is
// "" if path does not exist.
func FileID(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatInt(int64(st.Dev), 36) + "." + strconv.FormatUint(uint64(st.Ino), 36) + born(st)
}
