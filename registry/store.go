package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/devports/devports/allocator/atomicfile"
)

// snapshot is the content of a registry's file, and the decoded state.
type snapshot struct {
	content []byte // nil if there was no file
	state   state
}

// load reads the registry at path. A missing file is an empty registry; an
// empty file is damaged. If the content equals that of known, an earlier
// snapshot, load returns known and does not decode it again.
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

// store replaces the registry at path, which is not a symlink, and keeps the
// previous version as path.bak. The caller holds the lock.
func store(path string, s state) error {
	return atomicfile.Write(path, encode(s), atomicfile.Options{Backup: true})
}

// target follows symlinks and returns the final path, which need not exist. The
// lock file is beside the target, so that a registry with two names has one
// lock.
func target(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a symlink, or missing
		}
		if !filepath.IsAbs(to) {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // ".." is relative to the link's real directory
			if err != nil {
				return "", err
			}
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "readlink", Path: path, Err: errors.New("too many symlinks")}
}
