// Package atomicfile replaces files atomically: a reader at the same time, or
// after a crash, finds the old content or the new one, never a part.
//
// github.com/google/renameio does less than the registry needs: it does not
// sync the directory or keep the owner, leaves temporary files with random
// names after a crash, and does not support Windows.
//
// # Concurrency properties
//
// A path has one writer at a time: callers need a lock. So the temporary files
// have fixed names, PATH.new and PATH.bak.new: a crash leaves at most one of
// each, and the next writer replaces them. With Options.Unlocked, processes may
// write at the same time, and the last one wins. Readers need no lock.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Options are the options of Write. With the zero Options, Write keeps no
// backup, keeps the mode and owner, and syncs.
type Options struct {
	// Backup keeps the replaced content as PATH.bak.
	Backup bool
	// Mode is the mode for creating the file, before umask. With 0, it gets the
	// mode, owner and group of the file that it replaces, or those that Create
	// chooses.
	Mode fs.FileMode
	// Unlocked gives the temporary file a hidden name that contains the PID.
	Unlocked bool
	// Volatile is for content that is useless after a power failure: Write does
	// not sync.
	Volatile bool
}

// Write replaces the content of the file at path, which is not a symlink. After
// an error, the old content is still there; after a crash at any moment, the
// old content or the new one. Errors are *fs.PathError.
func Write(path string, content []byte, o Options) error {
	old, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = nil, nil
	}
	if err != nil {
		return err
	}
	next := path + ".new"
	if o.Unlocked {
		next = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	}
	if err := o.create(next, content, old); err != nil {
		return err
	}
	if old != nil && o.Backup {
		err = backUp(path, old)
	}
	if err == nil {
		err = replace(next, path)
	}
	if err != nil {
		os.Remove(next)
		return err
	}
	if o.Volatile {
		return nil
	}
	return syncDir(filepath.Dir(path))
}

// backUp links or copies the file at path to path.bak. path always has a file.
func backUp(path string, old fs.FileInfo) error {
	bak := path + ".bak"
	next := bak + ".new"
	os.Remove(next)
	if os.Link(path, next) != nil { // not every file system supports links
		content, err := Read(path)
		if err != nil {
			return err
		}
		if err := Create(next, content, old); err != nil {
			return err
		}
	}
	err := replace(next, bak)
	os.Remove(next) // replace leaves it if bak, after a crash, is the same file
	return err
}

// replace renames the file at from to to.
func replace(from, to string) error {
	err := rename(from, to)
	var link *os.LinkError
	if errors.As(err, &link) {
		return &fs.PathError{Op: "replace", Path: to, Err: link.Err}
	}
	return err
}

// Create writes a new file, with the mode, owner and group of like, and syncs
// it. It replaces an existing file. If like is nil, the file is private to the
// user, or in a group-writable directory shared with the group. After an error
// there is no file.
func Create(path string, content []byte, like fs.FileInfo) error {
	return Options{}.create(path, content, like)
}

func (o Options) create(path string, content []byte, like fs.FileInfo) (err error) {
	os.Remove(path) // not truncated: it may belong to another user of a shared directory
	mode := o.Mode
	if mode == 0 {
		mode = 0o600
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
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
	if o.Mode == 0 {
		if err := setAccess(f, like); err != nil {
			return err
		}
	}
	if _, err := f.Write(content); err != nil || o.Volatile {
		return err
	}
	return f.Sync()
}

// setAccess gives a new file the mode, owner and group of like, or if it is nil
// the defaults for its directory.
func setAccess(f *os.File, like fs.FileInfo) error {
	if like != nil {
		if err := keepOwner(f, like); err != nil {
			return err
		}
		return setMode(f, like.Mode().Perm())
	}
	dir, err := os.Stat(filepath.Dir(f.Name()))
	if err == nil && dir.Mode().Perm()&0o020 != 0 {
		return setMode(f, 0o660)
	}
	return err
}

// setMode sets the mode of a new file, if the file system supports modes: FAT
// and many network file systems do not. There the file keeps its private mode.
func setMode(f *os.File, mode fs.FileMode) error {
	if info, err := f.Stat(); err == nil && info.Mode().Perm() == mode {
		return nil
	}
	err := f.Chmod(mode)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) { // the file belongs to this process
		return nil
	}
	return err
}
