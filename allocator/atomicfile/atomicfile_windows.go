package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Windows replaces no file that a process has open, and opens none that is just
// being replaced. Both last for moments only, so both are tried again for as long
// as patience.
const patience = 2 * time.Second

const errorSharingViolation syscall.Errno = 32

// Read is os.ReadFile, which on Windows is tried again while the file is just
// being replaced.
func Read(path string) (content []byte, err error) {
	err = patiently(func() error {
		content, err = os.ReadFile(path)
		return err
	})
	return content, err
}

func rename(from, to string) error { return patiently(func() error { return os.Rename(from, to) }) }

func patiently(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := try()
		busy := errors.Is(err, errorSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !busy || time.Now().After(end) {
			return err
		}
	}
}

// syncFolder does nothing: Windows does not sync folders.
func syncFolder(string) error { return nil }

// keepOwner does nothing: on Windows a file's rights are its folder's.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
