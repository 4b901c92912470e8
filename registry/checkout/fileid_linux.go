package checkout

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// FileID identifies a file or folder as long as it is there, whatever its path: by
// its file system, its inode and when that was made, since a system soon uses the
// inode of a removed folder again. Device numbers do not count where the file
// system has an ID of its own: they change from boot to boot. It is "" for what is
// not there.
func FileID(path string) string {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st) != nil {
		return ""
	}
	id := fileSystem(path, uint64(st.Dev_major)<<32|uint64(st.Dev_minor)) + "." + strconv.FormatUint(st.Ino, 36)
	if st.Mask&unix.STATX_BTIME != 0 {
		id += "." + strconv.FormatInt(st.Btime.Sec, 36) + "." + strconv.FormatUint(uint64(st.Btime.Nsec), 36)
	}
	return id
}

// fileSystem identifies the file system that holds path. Overlays may have the ID
// of the file system below, but not its type.
func fileSystem(path string, device uint64) string {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return "?"
	}
	id := uint64(uint32(st.Fsid.Val[0]))<<32 | uint64(uint32(st.Fsid.Val[1]))
	if id == 0 {
		id = device
	}
	return strconv.FormatUint(uint64(uint32(st.Type)), 36) + "-" + strconv.FormatUint(id, 36)
}
