// Package atomicfile replaces files: a reader at the same time, or after a crash,
// finds the old content or the new one, and never a part.
//
// github.com/google/renameio does less than the registry promises: it syncs no
// folder, keeps no owner, leaves files of ever new names behind after a crash,
// and does not support Windows.
//
// # Concurrency properties
//
// Of one path there is one writer at a time; its callers see to that, with a
// lock. So the files on the way have fixed names, PATH.new and PATH.bak.new: a
// crash leaves at most one of each, and the next writer takes its name. With
// Options.Unlocked, processes may write at the same time, and the last one wins.
// Readers need no lock.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Options say how Write replaces a file. The zero Options keep no backup, keep
// mode and owner, and wait for the disk.
type Options struct {
	// Backup keeps the content that is replaced as PATH.bak.
	Backup bool
	// Mode is what the file is created with, before umask. With 0, it gets mode,
	// owner and group of the file that it replaces, or those that the folder
	// suggests, see Create.
	Mode fs.FileMode
	// Unlocked gives the file on the way a name of this process's, hidden and in
	// the same folder.
	Unlocked bool
	// Volatile is for content that does not matter after a power cut: nothing is
	// synced.
	Volatile bool
}

// Write makes content that of the file at path, which is no symlink. On an error
// the old content is still there, and so it is, or the new one, after a crash at
// any moment. Errors are *fs.PathError.
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
	return syncFolder(filepath.Dir(path))
}

// backUp makes the file at path the content of path.bak as well. path itself is
// never without a file.
func backUp(path string, old fs.FileInfo) error {
	bak := path + ".bak"
	next := bak + ".new"
	os.Remove(next)
	if os.Link(path, next) != nil { // not every file system can
		content, err := Read(path)
		if err != nil {
			return err
		}
		if err := Create(next, content, old); err != nil {
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

// Create puts content on the disk under a name, whatever had it, with the mode,
// owner and group of like. If like is nil the file is the user's alone, or, in a
// group-writable folder, the group's. On an error there is no file.
func Create(path string, content []byte, like fs.FileInfo) error {
	return Options{}.create(path, content, like)
}

func (o Options) create(path string, content []byte, like fs.FileInfo) (err error) {
	os.Remove(path) // not truncated: it may be another user's, in a folder that several share
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
		if err := dress(f, like); err != nil {
			return err
		}
	}
	if _, err := f.Write(content); err != nil || o.Volatile {
		return err
	}
	return f.Sync()
}

// dress gives a new file the mode, owner and group of like, or if there is none
// those its folder suggests.
func dress(f *os.File, like fs.FileInfo) error {
	if like != nil {
		if err := keepOwner(f, like); err != nil {
			return err
		}
		return setMode(f, like.Mode().Perm())
	}
	folder, err := os.Stat(filepath.Dir(f.Name()))
	if err == nil && folder.Mode().Perm()&0o020 != 0 {
		return setMode(f, 0o660)
	}
	return err
}

// setMode gives a new file its mode, where the file system can: FAT and many
// network file systems cannot. There it stays as private as it was created.
func setMode(f *os.File, mode fs.FileMode) error {
	if info, err := f.Stat(); err == nil && info.Mode().Perm() == mode {
		return nil
	}
	err := f.Chmod(mode)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) { // the file is this process's own
		return nil
	}
	return err
}
