package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// snapshot is the content of a registry's file, and what it says.
type snapshot struct {
	content []byte // nil if there was no file
	state   state
}

// load reads the registry at path. A missing file is an empty registry; one of no bytes is damaged. If the content is still that
// of known, which the caller read before, known comes back and nothing is decoded again.
func load(path string, known snapshot) (snapshot, error) {
	content, err := readFile(path)
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
// lock. On an error the old content is still there, and so it is, or the new one, after a crash at any moment.
//
// The files on the way have fixed names. There is only one writer, so they cannot be in use; a crash leaves at most one of each
// behind, and the next update takes its name.
func store(path string, s state) error {
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = nil, nil
	}
	if err != nil {
		return err
	}
	next := path + ".new"
	if err := write(next, encode(s), old); err != nil {
		return err
	}
	if old != nil {
		err = backUp(path, old)
	}
	if err == nil {
		err = replace(next, path)
	}
	if err != nil {
		os.Remove(next)
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// backUp makes the file at path the content of path.bak as well. path itself is never without a file.
func backUp(path string, old fs.FileInfo) error {
	bak := path + ".bak"
	next := bak + ".new"
	os.Remove(next)
	if os.Link(path, next) != nil { // not every file system can
		content, err := readFile(path)
		if err != nil {
			return err
		}
		if err := write(next, content, old); err != nil {
			return err
		}
	}
	err := replace(next, bak)
	os.Remove(next) // replace leaves it if bak, after a crash, is this very file
	return err
}

// replace gives the file at from the name to, whatever had it.
func replace(from, to string) error {
	err := rename(from, to)
	var link *os.LinkError
	if errors.As(err, &link) {
		return &fs.PathError{Op: "replace", Path: to, Err: link.Err}
	}
	return err
}

// write puts content on the disk under a new name, with the mode, owner and group of old. Without old the file is the user's alone,
// or, in a group-writable folder, the group's. On an error there is no file.
func write(path string, content []byte, old fs.FileInfo) (err error) {
	os.Remove(path) // not truncated: it may be another user's, in a folder that several share
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := dress(f, old); err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Sync()
}

// dress gives a new file the mode, owner and group of old, or if there is none those its folder suggests.
func dress(f *os.File, old fs.FileInfo) error {
	if old != nil {
		if err := keepOwner(f, old); err != nil {
			return err
		}
		return f.Chmod(old.Mode().Perm())
	}
	folder, err := os.Stat(filepath.Dir(f.Name()))
	if err == nil && folder.Mode().Perm()&0o020 != 0 {
		return f.Chmod(0o660)
	}
	return err
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
