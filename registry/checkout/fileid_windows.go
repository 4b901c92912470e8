package checkout

import (
	"strconv"
	"syscall"
)

// FileID identifies a file or directory for its lifetime, whatever its path: by
// its volume, its index there, and its creation time. It is "" if path does not
// exist.
func FileID(path string) string {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return ""
	}
	const share = syscall.FILE_SHARE_READ | syscall.FILE_SHARE_WRITE | 4 // and delete
	h, err := syscall.CreateFile(name, 0, share, nil, syscall.OPEN_EXISTING, syscall.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return ""
	}
	defer syscall.CloseHandle(h)
	var info syscall.ByHandleFileInformation
	if syscall.GetFileInformationByHandle(h, &info) != nil {
		return ""
	}
	index := uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)
	return strconv.FormatUint(uint64(info.VolumeSerialNumber), 36) + "." + strconv.FormatUint(index, 36) +
		"." + strconv.FormatInt(info.CreationTime.Nanoseconds(), 36)
}
