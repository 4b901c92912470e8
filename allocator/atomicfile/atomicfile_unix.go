//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Read is os.ReadFile. On Windows, it retries while the file is being replaced.
func Read(path string) ([]byte, error) { return os.ReadFile(path) }
func rename(from, to string) error     { return os.Rename(from, to) }

// syncDir syncs the entries of a directory, if the file system supports that.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// keepOwner gives f the owner and group of old. Only root can change the owner,
// so in a group's directory the last writer owns the file; but a group that has
// access must not lose it.
func keepOwner(f *os.File, old fs.FileInfo) error {
	was, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	if f.Chown(int(was.Uid), int(was.Gid)) == nil {
		return nil
	}
	if err := f.Chown(-1, int(was.Gid)); err != nil && old.Mode().Perm()&0o070 != 0 {
		return err
	}
	return nil
}
