// Package ownership decides which files devports trusts when it searches for
// them. devports runs the commands of a Portfile, so a Portfile of another user
// in a parent directory would run that user's commands.
//
// The directory where a search starts is the user's choice and always trusted.
// A parent directory is trusted if it belongs to the owner of the start, to
// this user, to root, or to the user who called sudo. In a sticky
// world-writable directory such as /tmp, the owner of the file has to be one of
// these. In any other world-writable directory, no file is trusted, since any
// user may have put it there.
//
// Some file systems have no modes and show 0777 for everything: the shared
// directories of WSL and VirtualBox. If the start is on one of these,
// world-writable directories of the same owner are trusted, too.
//
// On Windows, everything is trusted: this package does not read access control
// lists.
package ownership

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
)

// Trust decides whose files are trusted. The zero Trust trusts only root's.
type Trust struct {
	owners   []int // user IDs, in addition to root's
	modeless int   // the owner of a world-writable start; -1: the start has modes
}

// NewTrust returns the Trust of a search that starts in a directory. It needs
// getenv for SUDO_UID, which counts only for root.
func NewTrust(start string, getenv func(string) string) Trust {
	sudo, err := strconv.Atoi(getenv("SUDO_UID"))
	if err != nil {
		sudo = 0
	}
	return newTrust(start, os.Geteuid(), sudo)
}

func newTrust(start string, user, sudo int) Trust {
	t := Trust{owners: []int{user}, modeless: -1}
	if user == 0 {
		t.owners = append(t.owners, sudo)
	}
	info, err := os.Stat(start)
	if err != nil {
		return t
	}
	t = t.And(info)
	if owner, ok := ownerOf(info); ok && open(info) && info.Mode()&fs.ModeSticky == 0 {
		t.modeless = owner
	}
	return t
}

// And returns a Trust that also trusts the owner of a file.
func (t Trust) And(file fs.FileInfo) Trust {
	if owner, ok := ownerOf(file); ok {
		t.owners = append(slices.Clone(t.owners), owner)
	}
	return t
}

// ForeignError reports that a file is not trusted, and why.
type ForeignError struct {
	Path  string
	Owner int    // a user ID
	Open  string // the world-writable directory; "" if the owner is the reason
}

func (e *ForeignError) Error() string { return e.Path + " " + e.Reason() }

// Reason returns the error without the path.
func (e *ForeignError) Reason() string {
	if e.Open != "" {
		return "is not trusted: any user can write to " + e.Open
	}
	name := "user " + strconv.Itoa(e.Owner)
	if u, err := user.LookupId(strconv.Itoa(e.Owner)); err == nil {
		name = u.Username
	}
	return "is not trusted: it belongs to " + name
}

// File returns a *ForeignError if the file at path is not trusted. A missing
// file is trusted.
func (t Trust) File(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	owner, known := ownerOf(info)
	switch {
	case !known:
		return nil
	case t.Closed(dir):
		return &ForeignError{path, owner, dir}
	case !t.has(owner):
		return &ForeignError{path, owner, ""}
	case !open(info):
		return nil
	}
	// Check the owner of a link, as the kernel does in sticky directories
	// (protected_symlinks in proc_sys_fs(5)), and that of its target.
	for _, stat := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := stat(path)
		if err != nil {
			return nil
		}
		if owner, _ := ownerOf(info); !t.has(owner) {
			return &ForeignError{path, owner, ""}
		}
	}
	return nil
}

// Closed reports whether a search must stop at a directory: any user can write
// to it, and replace the files of others.
func (t Trust) Closed(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	owner, known := ownerOf(info)
	return known && open(info) && info.Mode()&fs.ModeSticky == 0 && owner != t.modeless
}

func (t Trust) has(owner int) bool { return owner == 0 || slices.Contains(t.owners, owner) }

// open reports whether a directory is world-writable.
func open(dir fs.FileInfo) bool { return dir.Mode()&0o002 != 0 }
