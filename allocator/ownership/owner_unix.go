//go:build unix

package ownership

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the user ID of the owner of a file.
func ownerOf(info fs.FileInfo) (int, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
