package checkout

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// FileID identifies a file or directory for its lifetime, whatever its path: by
// its file system, its inode and its creation time, since file systems reuse
// inodes soon. If the file system has an ID, the device number does not count:
// it changes from boot to boot. FileID is "" if path does not exist.
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

// fileSystem identifies the file system of path. An overlay may have the ID of
// its lower file system, but not its type.
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
