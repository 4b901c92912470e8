package procfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/devports/devports/allocator/ownership"
)

// maxFileSize is larger than any file written by hand.
const maxFileSize = 10 << 20

// FileTypeError reports that a path is not a regular file. A pipe is read only
// on request, a socket or a device never: a device may have no end.
type FileTypeError struct {
	Path string
	Pipe bool
	kind string
}

func (e *FileTypeError) Error() string { return e.Path + " " + e.reason() }

func (e *FileTypeError) reason() string { return "is " + e.kind + ", not a regular file" }

// errTooLarge reports a file of more than maxFileSize.
var errTooLarge = fmt.Errorf("is larger than %d MB", maxFileSize>>20)

// checkRegular returns a *FileTypeError unless info describes a regular file.
// It accepts a directory: reading that returns a clear error.
func checkRegular(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular(), mode.IsDir():
		return nil
	case mode&fs.ModeNamedPipe != 0:
		return &FileTypeError{path, true, "a named pipe"}
	case mode&fs.ModeSocket != 0:
		return &FileTypeError{path, false, "a socket"}
	default:
		return &FileTypeError{path, false, "a device"}
	}
}

// readRegular reads a regular file of at most maxFileSize. It checks the type
// before opening, because opening some devices has side effects, and again
// afterwards, because the file may have been replaced. Opening a pipe does not
// wait for a writer.
func readRegular(path string) ([]byte, error) {
	return readChecked(path, func(fs.FileInfo) error { return nil })
}

// readChecked is readRegular with another check of the file that was opened.
func readChecked(path string, check func(opened fs.FileInfo) error) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := checkRegular(path, info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := checkRegular(path, info); err != nil {
		return nil, err
	}
	if err := check(info); err != nil {
		return nil, err
	}
	return readLimited(f)
}

// readPipe reads a pipe to its end, or to maxFileSize.
func readPipe(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f)
}

func readLimited(r io.Reader) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	if len(src) > maxFileSize {
		return nil, errTooLarge
	}
	return src, err
}

// reasonOf returns the text of err without the path, which the message already
// contains.
func reasonOf(err error) string {
	var kind *FileTypeError
	if errors.As(err, &kind) {
		return kind.reason()
	}
	var foreign *ownership.ForeignError
	if errors.As(err, &foreign) {
		return foreign.Reason()
	}
	return err.Error()
}
