//go:build unix

package control

import (
	"io/fs"
	"os"
	"syscall"
)

// shortTemp is where any socket's path is short enough: that of TMPDIR may be
// long.
const shortTemp = "/tmp"

// ownedByUser reports whether a file belongs to this user.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
