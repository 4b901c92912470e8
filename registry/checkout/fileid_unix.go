//go:build unix && !linux

package checkout

import (
	"os"
	"strconv"
	"syscall"
)

// FileID identifies a file or folder as long as it is there, whatever its path: by
// its device and inode, and where the system knows, when that was made. It is ""
// for what is not there.
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
