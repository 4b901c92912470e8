package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Windows cannot replace a file that a process has open, or open one that is
// being replaced. Both conditions are short, so both operations are retried for
// retryTime.
const retryTime = 2 * time.Second

const errorSharingViolation syscall.Errno = 32

// Read is os.ReadFile. On Windows, it retries while the file is being replaced.
func Read(path string) (content []byte, err error) {
	err = retry(func() error {
		content, err = os.ReadFile(path)
		return err
	})
	return content, err
}

func rename(from, to string) error { return retry(func() error { return os.Rename(from, to) }) }

func retry(try func() error) error {
	for end := time.Now().Add(retryTime); ; time.Sleep(time.Millisecond) {
		err := try()
		busy := errors.Is(err, errorSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
		if !busy || time.Now().After(end) {
			return err
		}
	}
}

// syncDir does nothing: Windows does not sync directories.
func syncDir(string) error { return nil }

// keepOwner does nothing: on Windows a file inherits the access of its
// directory.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
