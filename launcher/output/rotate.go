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
	// RotateBytes is how long a file of a Rotating gets.
	RotateBytes = 10 << 20

	// RotateKeep is how many older files of a Rotating there may be: path.1, the
	// youngest, to path.3.
	RotateKeep = 3
)

// retryDelay is how long a Rotating waits after a write that has failed before it
// tries another one.
const retryDelay = 10 * time.Second

// Rotating writes to a file that it replaces by an empty one when it has got
// long. A write is never split. What cannot be written, such as on a full disk,
// is dropped: the services are worth more than their log. Where the log goes on,
// a line says how much is missing. It is for one goroutine at a time.
type Rotating struct {
	path string
	max  int64
	file *os.File
	size int64

	failed  error     // of the last write; nil if it has succeeded
	retry   time.Time // when to try again
	dropped int       // lines since the log has failed
	cut     bool      // the file ends within a line
}

// OpenRotating goes on with the file at path, which it makes (for this user
// alone) if it is not there, and its folder, too.
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

// Write writes p, after beginning a new file if p would make this one too long.
// If there cannot be a new one, it goes on with the old. It drops p if the file
// cannot be written to; there is never an error.
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

// append writes p to the file and returns how much of it was written.
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

// fail has the next write tried later.
func (r *Rotating) fail(err error) { r.failed, r.retry = err, time.Now().Add(retryDelay) }

func (r *Rotating) drop(p []byte) { r.dropped += bytes.Count(p, []byte{'\n'}) }

// resume reports whether the log goes on after it has failed, with a line about
// what is missing. The file is opened again: to remove it makes room, too.
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

// cause is an error without the path of the log, which its reader knows.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// rotate gives each file the name of the next older one.
func (r *Rotating) rotate() error {
	for i := RotateKeep; i > 1; i-- {
		err := os.Rename(r.older(i-1), r.older(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil // the disk is full of other things
		}
	}
	r.file.Close() // first, for Windows
	_ = os.Rename(r.path, r.older(1))
	return r.open()
}

func (r *Rotating) older(n int) string { return fmt.Sprintf("%s.%d", r.path, n) }

// Close closes the file. It is the last attempt to say what is missing.
func (r *Rotating) Close() error {
	if r.failed != nil {
		r.resume()
	}
	return r.file.Close()
}
