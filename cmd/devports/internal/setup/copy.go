package setup

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/devports/devports/allocator/ownership"
)

// Copied is what CopyFiles has done about a file.
type Copied struct {
	Name string // relative to both directories, with slashes
	Done bool   // it was copied
	// Differs: it existed, and differs from the source.
	Differs bool
	Note    string // why it was not, or how it differs from the source; "" if there is nothing to say
}

// CopyFiles copies those of the files that do not exist in the directory to,
// from the directory from. It replaces nothing, keeps the modes of the files,
// and follows no link out of either directory. A file appears complete. It
// copies only files that trust trusts.
func CopyFiles(from, to string, names []string, trust ownership.Trust) (all []Copied, err error) {
	source, err := os.OpenRoot(from)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	target, err := os.OpenRoot(to)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	for _, name := range names {
		c := Copied{Name: path.Clean(name)}
		if _, err := target.Lstat(c.Name); err == nil {
			c.Note = difference(source, target, c.Name)
			c.Differs = c.Note != ""
		} else if err := copyFile(source, target, c.Name, trust); errors.Is(err, fs.ErrExist) {
			// another process has just copied it
		} else if err != nil {
			c.Note = fmt.Sprintf("not copied from the main checkout: %s: %s", filepath.Join(from, c.Name), reason(err))
		} else {
			c.Done = true
		}
		all = append(all, c)
	}
	return all, nil
}

// reason returns an error without its path.
func reason(err error) string {
	var file *fs.PathError
	var foreign *ownership.ForeignError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.As(err, &foreign):
		return foreign.Reason()
	case errors.As(err, &file):
		return reason(file.Err)
	}
	return err.Error()
}

// open opens a regular file below a root.
func open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	// A link to a pipe would block.
	if info, err := root.Stat(name); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, errors.New("it is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func copyFile(source, target *os.Root, name string, trust ownership.Trust) error {
	if err := trust.File(filepath.Join(source.Name(), name)); err != nil {
		return err
	}
	f, info, err := open(source, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := target.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	temporary := name + "." + rand.Text()
	to, err := target.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer target.Remove(temporary)
	_, err = io.Copy(to, f)
	if err == nil {
		err = to.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	err = target.Link(temporary, name) // unlike a rename, this replaces nothing
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := target.Lstat(name); err == nil { // a file system without links
		return fs.ErrExist
	}
	return target.Rename(temporary, name)
}

// difference describes how a file differs from that of the main checkout.
func difference(source, target *os.Root, name string) string {
	read := func(root *os.Root) ([]byte, bool) {
		f, _, err := open(root, name)
		if err != nil {
			return nil, false
		}
		defer f.Close()
		content, err := io.ReadAll(f)
		return content, err == nil
	}
	theirs, ok := read(source)
	ours, known := read(target)
	if !ok || !known || bytes.Equal(theirs, ours) {
		return ""
	}
	return "differs from that of the main checkout, " + filepath.Join(source.Name(), name)
}
