package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/lockfile"
)

// Folder is where the runs of a user can be found.
type Folder struct {
	path    string   // of lock files and logs
	sockets []string // folders for sockets, the preferred one first
}

// NewFolder returns the folder in devports' home. Sockets are preferably made
// below runtime, the value of XDG_RUNTIME_DIR, if that is the absolute path of a
// directory of this user: sudo -E keeps another's.
func NewFolder(home, runtime string) Folder {
	f := Folder{path: filepath.Join(home, "run")}
	if info, err := os.Stat(runtime); filepath.IsAbs(runtime) && err == nil && ownedByUser(info) {
		f.sockets = append(f.sockets, filepath.Join(runtime, "devports"))
	}
	name := fmt.Sprintf("devports-%d", os.Getuid())
	f.sockets = append(f.sockets, f.path, filepath.Join(os.TempDir(), name))
	if shortTemp != "" {
		f.sockets = append(f.sockets, filepath.Join(shortTemp, name))
	}
	return f
}

// Slot is the place of the run of one checkout: at most one process holds its
// lock.
type Slot struct {
	folder Folder
	name   string // of its files
}

const lockExtension = ".lock"

// Slot returns the slot of a checkout, which is identified by its directory and
// its worktree label.
func (f Folder) Slot(directory, worktree string) Slot {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", directory, worktree)
	return Slot{f, fmt.Sprintf("%016x", h.Sum64())}
}

// Instances returns what there is in every slot that was ever used, sorted by
// directory: runs that live, and what is left of others.
func (f Folder) Instances() []Instance {
	entries, _ := os.ReadDir(f.path) // without the folder there are none
	var instances []Instance
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), lockExtension); ok {
			instances = append(instances, Slot{f, name}.Instance())
		}
	}
	slices.SortStableFunc(instances, func(a, b Instance) int { return cmp.Compare(a.Note.Directory, b.Note.Directory) })
	return instances
}

// Lock is the path of the lock file. Discard alone removes it: see package lockfile.
func (s Slot) Lock() string { return s.file(lockExtension) }

// Log is the path of the file to which a run in the background prints.
func (s Slot) Log() string { return s.file(".log") }

func (s Slot) file(extension string) string { return filepath.Join(s.folder.path, s.name+extension) }

// maxSocketPath is what all systems accept as the path of a socket, in bytes.
const maxSocketPath = 100

// socket is where a new run probably makes its socket: the first path that is
// not too long, in a folder that is or can be made private.
func (s Slot) socket() string {
	for _, path := range s.socketPaths() {
		if len(path) <= maxSocketPath && makePrivate(filepath.Dir(path)) == nil {
			return path
		}
	}
	return ""
}

// listen makes the socket of a new run at the first path that it can. The error
// says why there is none.
func (s Slot) listen() (l net.Listener, path string, err error) {
	for _, path := range s.socketPaths() {
		if len(path) > maxSocketPath {
			continue
		}
		l, failed := Listen(path)
		if failed == nil {
			return l, path, nil
		}
		err = errors.Join(err, failed)
	}
	return nil, "", err
}

// makePrivate makes a folder for this user alone, unless there is one. What
// others can write to or can replace is refused: they might put a socket there.
func makePrivate(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", folder)
	case !ownedByUser(info):
		return fmt.Errorf("%s belongs to another user", folder)
	case info.Mode().Perm() != 0o700:
		return os.Chmod(folder, 0o700)
	}
	return nil
}

func (s Slot) socketPaths() (paths []string) {
	for _, folder := range s.folder.sockets {
		paths = append(paths, filepath.Join(folder, s.name+".sock"))
	}
	return paths
}

// Instance returns the run that holds the slot, or what is left of the last one.
func (s Slot) Instance() Instance {
	held, note := lockfile.Inspect(s.Lock())
	if held != nil {
		return s.holderInstance(held)
	}
	return Instance{s, parseNote(note), nil}
}

// held is the instance that holds the lock. One that could not write its note, on
// a full disk, is asked who it is.
func (s Slot) holderInstance(holder *lockfile.HeldError) Instance {
	i := Instance{s, parseNote(holder.Note), holder}
	if i.Note.PID > 0 {
		return i
	}
	for _, path := range s.socketPaths() {
		conn, err := net.Dial("unix", path)
		if err != nil {
			continue
		}
		note, err := greet(context.Background(), conn)
		conn.Close()
		if err == nil && note.PID > 0 {
			named := *holder
			named.PID = note.PID
			return Instance{s, note, &named}
		}
	}
	return i
}

// Running returns the run that holds the slot. ok is false if there is none.
func (s Slot) Running() (i Instance, ok bool) {
	i = s.Instance()
	return i, i.Runs()
}
