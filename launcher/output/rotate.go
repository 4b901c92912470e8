package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// RotateBytes is how long a file of a Rotating gets.
	RotateBytes = 10 << 20

	// RotateKeep is how many older files of a Rotating there may be: path.1, the
	// youngest, to path.3.
	RotateKeep = 3
)

// Rotating writes to a file that it replaces by an empty one when it has got
// long. A write is never split. It is for one goroutine at a time.
type Rotating struct {
	path string
	max  int64
	file *os.File
	size int64
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
// If there cannot be a new one, it goes on with the old.
func (r *Rotating) Write(p []byte) (int, error) {
	if r.size > 0 && r.size+int64(len(p)) > r.max {
		if err := r.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := r.file.Write(p)
	r.size += int64(n)
	return n, err
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

// Close closes the file.
func (r *Rotating) Close() error { return r.file.Close() }
