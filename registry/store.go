package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/devports/devports/allocator/atomicfile"
)

// snapshot is the content of a registry's file, and what it says.
type snapshot struct {
	content []byte // nil if there was no file
	state   state
}

// load reads the registry at path. A missing file is an empty registry; one of no bytes is damaged. If the content is still that
// of known, which the caller read before, known comes back and nothing is decoded again.
func load(path string, known snapshot) (snapshot, error) {
	content, err := atomicfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return snapshot{}, nil
	}
	if err != nil {
		return snapshot{}, err
	}
	if known.content != nil && bytes.Equal(content, known.content) {
		return known, nil
	}
	s, err := decode(content)
	var damaged *DamagedError
	var newer *NewerError
	switch {
	case errors.As(err, &damaged):
		damaged.Path = path
	case errors.As(err, &newer):
		newer.Path = path
	}
	return snapshot{content, s}, err
}

// store replaces the registry at path, which is no symlink, and keeps the version it replaces as path.bak. The caller holds the
// lock.
func store(path string, s state) error {
	return atomicfile.Write(path, encode(s), atomicfile.Options{Backup: true})
}

// target follows path as long as it is a symlink, and returns what it leads to, which need not exist. The lock stands beside the
// target, so that a registry with two names has one lock.
func target(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no symlink, or not there
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(path)) // ".." counts from where the link really is
			if err != nil {
				return "", err
			}
			to = filepath.Join(folder, to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "readlink", Path: path, Err: errors.New("too many symlinks")}
}
