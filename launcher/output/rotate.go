package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// RotateBytes is the maximum length of a file of a Rotating.
	RotateBytes = 10 << 20

	// RotateKeep is how many older files a Rotating keeps: path.1, the newest, to
	// path.3.
	RotateKeep = 3
)

// retryDelay is how long a Rotating waits after a failed write before the next
// attempt.
const retryDelay = 10 * time.Second

// Rotating writes to a file that it replaces with an empty one when it is full. It
// never splits a write. It drops what it cannot write, for example on a full disk:
// a log must not stop the services. When writing works again, a line reports how
// much is missing. Only one goroutine may use a Rotating at a time.
type Rotating struct {
	path string
	max  int64
	file *os.File
	size int64

	failed  error     // error of the last write; nil if it succeeded
	retry   time.Time // time of the next attempt
	dropped int       // lines dropped since the failure
	cut     bool      // the file ends within a line
}

// OpenRotating appends to the file at path. It creates the file and its
// directory if they are missing, accessible to this user only.
func OpenRotating(path string) (*Rotating, error) { return openRotating(path, RotateBytes) }

func openRotating(path string, limit int64) (*Rotating, error) {
	r := &Rotating{path: path, max: limit}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return r, r.open()
}

func (r *Rotating) open() error {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	r.file, r.size = f, info.Size()
	return nil
}

// Write writes p, to a new file if p would make this one too long. If it cannot
// rename the old files, it continues with this one. It drops p if it cannot write
// to the file. It never returns an error.
func (r *Rotating) Write(p []byte) (int, error) {
	if r.failed != nil && (time.Now().Before(r.retry) || !r.resume()) {
		r.drop(p)
		return len(p), nil
	}
	if r.size > 0 && r.size+int64(len(p)) > r.max {
		if err := r.rotate(); err != nil {
			r.fail(err)
			r.drop(p)
			return len(p), nil
		}
	}
	if n := r.append(p); n < len(p) {
		r.drop(p[n:])
	}
	return len(p), nil
}

// append writes p to the file and returns the number of bytes written.
func (r *Rotating) append(p []byte) int {
	n, err := r.file.Write(p)
	r.size += int64(n)
	if n > 0 {
		r.cut = p[n-1] != '\n'
	}
	if err != nil {
		r.fail(err)
	}
	return n
}

// fail postpones the next attempt to write.
func (r *Rotating) fail(err error) { r.failed, r.retry = err, time.Now().Add(retryDelay) }

func (r *Rotating) drop(p []byte) { r.dropped += bytes.Count(p, []byte{'\n'}) }

// resume tries to continue the log after a failure, with a line about what is
// missing, and reports whether that worked. It opens the file again, because the
// user may have removed it to free space.
func (r *Rotating) resume() bool {
	r.file.Close()
	if err := r.open(); err != nil {
		r.fail(err)
		return false
	}
	gap := fmt.Sprintf("devports: %d lines are missing here: %v\n", r.dropped, cause(r.failed))
	if r.dropped == 1 {
		gap = fmt.Sprintf("devports: 1 line is missing here: %v\n", cause(r.failed))
	}
	if r.cut && r.size > 0 {
		gap = "\n" + gap
	}
	if r.append([]byte(gap)) < len(gap) {
		return false
	}
	r.failed, r.dropped = nil, 0
	return true
}

// cause returns an error without the path of the log, which its reader knows.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// rotate renames each file to the next older name and opens a new one.
func (r *Rotating) rotate() error {
	for i := RotateKeep; i > 1; i-- {
		err := os.Rename(r.older(i-1), r.older(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil // continue with this file
		}
	}
	r.file.Close() // first, for Windows
	_ = os.Rename(r.path, r.older(1))
	return r.open()
}

func (r *Rotating) older(n int) string { return fmt.Sprintf("%s.%d", r.path, n) }

// Close closes the file, after a last attempt to report what is missing.
func (r *Rotating) Close() error {
	if r.failed != nil {
		r.resume()
	}
	return r.file.Close()
}
