// Package ownership says whose files devports takes when it goes looking for
// them. What a Portfile says is run, so that one which another user has left in a
// folder above would run that user's commands.
//
// The folder that a search starts from is its user's choice and is not judged.
// A folder above it counts if it belongs to the owner of the start, to this user,
// to root, or to the user who has called sudo. In a folder in which everyone may
// write, but only remove their own files (sticky, as /tmp is), the file's own owner
// has to be one of these. In any other folder in which everyone may write no file
// says anything of who put it there.
//
// Some file systems know no modes and show 0777 for everything: WSL's and
// VirtualBox's shared folders. Where the start is like that, folders of the same
// owner count although everyone may write in them.
//
// Windows is not judged: access there is a matter of lists that this package
// does not read.
package ownership

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
)

// Trust is whose files are taken. The zero Trust takes only root's.
type Trust struct {
	owners   []int // user IDs, beside root's
	modeless int   // owner of a start that everyone may write in; -1: the start has modes
}

// From is the Trust of a search that starts from a folder. getenv gives SUDO_UID,
// which counts for root alone.
func From(start string, getenv func(string) string) Trust {
	sudo, err := strconv.Atoi(getenv("SUDO_UID"))
	if err != nil {
		sudo = 0
	}
	return from(start, os.Geteuid(), sudo)
}

func from(start string, user, sudo int) Trust {
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

// And takes the files of the owner of a file, too.
func (t Trust) And(file fs.FileInfo) Trust {
	if owner, ok := ownerOf(file); ok {
		t.owners = append(slices.Clone(t.owners), owner)
	}
	return t
}

// ForeignError says why a file is not taken.
type ForeignError struct {
	Path  string
	Owner int    // the user ID of who put it there
	Open  string // the folder in which everyone may write; "" if the owner is the reason
}

func (e *ForeignError) Error() string { return e.Path + " " + e.Reason() }

// Reason is Error without the path.
func (e *ForeignError) Reason() string {
	if e.Open != "" {
		return "is not used: everyone may write in " + e.Open
	}
	name := "user " + strconv.Itoa(e.Owner)
	if u, err := user.LookupId(strconv.Itoa(e.Owner)); err == nil {
		name = u.Username
	}
	return "is not used: it belongs to " + name
}

// File returns a *ForeignError if a file, or anything else at path, is not taken.
// What is not there is.
func (t Trust) File(path string) error {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	if err != nil {
		return nil
	}
	owner, known := ownerOf(info)
	switch {
	case !known:
		return nil
	case t.Closed(folder):
		return &ForeignError{path, owner, folder}
	case !t.has(owner):
		return &ForeignError{path, owner, ""}
	case !open(info):
		return nil
	}
	// A link is judged by its own owner, as the kernel does in sticky folders
	// (protected_symlinks in proc_sys_fs(5)), and then what it leads to.
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

// Closed reports whether no search goes on in a folder: everyone may write in it,
// and replace what others have put there.
func (t Trust) Closed(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil {
		return false
	}
	owner, known := ownerOf(info)
	return known && open(info) && info.Mode()&fs.ModeSticky == 0 && owner != t.modeless
}

func (t Trust) has(owner int) bool { return owner == 0 || slices.Contains(t.owners, owner) }

// open reports whether everyone may write in a folder.
func open(folder fs.FileInfo) bool { return folder.Mode()&0o002 != 0 }
