//go:build unix

package ownership

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

const (
	root     = 0
	me       = 2001
	stranger = 2002
	other    = 2003
)

// entry is a directory or file with an owner.
type entry struct {
	path  string
	owner int
	mode  fs.FileMode
}

func TestFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	for name, test := range map[string]struct {
		entries    []entry // the first is in a directory of root
		start      string  // where the search starts
		user, sudo int
		trusted    bool // a/Portfile
		closed     bool // a ends the search
	}{
		"one's own": {
			entries: []entry{{"a", me, 0o755}, {"a/Portfile", me, 0o644}, {"a/b", me, 0o755}},
			user:    me, trusted: true,
		},
		"a stranger's in a sticky directory": {
			entries: []entry{{"a", root, 0o777 | fs.ModeSticky}, {"a/Portfile", stranger, 0o644}, {"a/b", me, 0o755}},
			user:    me,
		},
		"a stranger's in a sticky directory, for root": {
			entries: []entry{{"a", root, 0o777 | fs.ModeSticky}, {"a/Portfile", stranger, 0o644}, {"a/b", root, 0o755}},
			user:    root,
		},
		"one's own in a sticky directory": {
			entries: []entry{{"a", root, 0o777 | fs.ModeSticky}, {"a/Portfile", me, 0o644}, {"a/b", me, 0o755}},
			user:    me, trusted: true,
		},
		"in a world-writable directory": {
			entries: []entry{{"a", root, 0o777}, {"a/Portfile", me, 0o644}, {"a/b", me, 0o755}},
			user:    me, closed: true,
		},
		"in a stranger's home": {
			entries: []entry{{"a", stranger, 0o755}, {"a/Portfile", stranger, 0o644}, {"a/b", me, 0o755}},
			user:    me,
		},
		"of a checkout with another owner, where root works in CI": {
			entries: []entry{{"a", other, 0o755}, {"a/Portfile", other, 0o644}, {"a/b", other, 0o755}},
			user:    root, trusted: true,
		},
		"of a checkout in which root has created the directory": {
			entries: []entry{{"a", other, 0o755}, {"a/Portfile", other, 0o644}, {"a/b", root, 0o755}},
			user:    root,
		},
		"the same with sudo": {
			entries: []entry{{"a", other, 0o755}, {"a/Portfile", other, 0o644}, {"a/b", root, 0o755}},
			user:    root, sudo: other, trusted: true,
		},
		"SUDO_UID does not count for others": {
			entries: []entry{{"a", other, 0o755}, {"a/Portfile", other, 0o644}, {"a/b", me, 0o755}},
			user:    me, sudo: other,
		},
		"of root, as on a mounted directory with squashed root": {
			entries: []entry{{"a", root, 0o755}, {"a/Portfile", root, 0o644}, {"a/b", me, 0o755}},
			user:    me, trusted: true,
		},
		"in a file system without modes": {
			entries: []entry{{"a", me, 0o777}, {"a/Portfile", me, 0o777}, {"a/b", me, 0o777}},
			user:    me, trusted: true,
		},
		"in a file system without modes that belongs to root": {
			entries: []entry{{"a", root, 0o777}, {"a/Portfile", root, 0o777}, {"a/b", root, 0o777}},
			user:    me, trusted: true,
		},
		"a world-writable directory in one of another owner": {
			entries: []entry{{"a", root, 0o777}, {"a/Portfile", stranger, 0o777}, {"a/b", me, 0o777}},
			user:    me, closed: true,
		},
		"in a group's repository": {
			entries: []entry{{"a", root, 0o775 | fs.ModeSetgid}, {"a/Portfile", stranger, 0o664}, {"a/b", me, 0o775 | fs.ModeSetgid}},
			user:    me, trusted: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			for _, e := range test.entries {
				put(t, filepath.Join(top, e.path), e)
			}
			start := filepath.Join(top, "a/b")
			trust := newTrust(start, test.user, test.sudo)
			file := filepath.Join(top, "a/Portfile")
			err := trust.File(file)
			if trusted := err == nil; trusted != test.trusted {
				t.Errorf("%v, want it trusted: %v", err, test.trusted)
			}
			if closed := trust.Closed(filepath.Dir(file)); closed != test.closed {
				t.Errorf("the search ends there: %v, want %v", closed, test.closed)
			}
		})
	}
}

func put(t *testing.T, path string, e entry) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if filepath.Base(path) == "Portfile" {
		err = errors.Join(err, os.WriteFile(path, nil, 0o600))
	} else {
		err = errors.Join(err, os.Mkdir(path, 0o700))
	}
	if err := errors.Join(err, os.Chown(path, e.owner, e.owner), os.Chmod(path, e.mode)); err != nil {
		t.Fatal(err)
	}
}

// Another user's link to a file of this user would run that file in the other
// user's directory.
func TestLinkInStickyDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	top := t.TempDir()
	put(t, filepath.Join(top, "a"), entry{owner: root, mode: 0o777 | fs.ModeSticky})
	put(t, filepath.Join(top, "a/b"), entry{owner: me, mode: 0o755})
	put(t, filepath.Join(top, "mine/Portfile"), entry{owner: me, mode: 0o644})
	link := filepath.Join(top, "a/Portfile")
	if err := errors.Join(os.Symlink(filepath.Join(top, "mine/Portfile"), link), os.Lchown(link, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	trust := newTrust(filepath.Join(top, "a/b"), me, 0)
	var foreign *ForeignError
	if err := trust.File(link); !errors.As(err, &foreign) || foreign.Owner != stranger {
		t.Error(err)
	}
	if err := os.Lchown(link, me, me); err != nil {
		t.Fatal(err)
	}
	if err := trust.File(link); err != nil {
		t.Error(err)
	}
}
