//go:build unix

package control

import (
	"io/fs"
	"os"
	"syscall"
)

// shortTemp is short enough for the path of a socket; TMPDIR may not be.
const shortTemp = "/tmp"

// ownedByUser reports whether a file belongs to this user.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
