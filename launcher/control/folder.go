package control

import (
	"cmp"
	"fmt"
	"hash/fnv"
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
// below runtime, the value of XDG_RUNTIME_DIR, if that is an absolute path.
func NewFolder(home, runtime string) Folder {
	f := Folder{path: filepath.Join(home, "run")}
	if filepath.IsAbs(runtime) {
		f.sockets = append(f.sockets, filepath.Join(runtime, "devports"))
	}
	f.sockets = append(f.sockets, f.path, filepath.Join(os.TempDir(), fmt.Sprintf("devports-%d", os.Getuid())))
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

// Lock is the path of the lock file. It is never removed: see package lockfile.
func (s Slot) Lock() string { return s.file(lockExtension) }

// Log is the path of the file to which a run in the background prints.
func (s Slot) Log() string { return s.file(".log") }

func (s Slot) file(extension string) string { return filepath.Join(s.folder.path, s.name+extension) }

// maxSocketPath is what all systems accept as the path of a socket, in bytes.
const maxSocketPath = 100

// socket is where a new run makes its socket: the first path that is not too
// long.
func (s Slot) socket() string {
	paths := s.socketPaths()
	for _, path := range paths {
		if len(path) <= maxSocketPath {
			return path
		}
	}
	return paths[len(paths)-1]
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
		note = held.Note
	}
	return Instance{s, parseNote(note), held}
}

// Running returns the run that holds the slot and can be steered. ok is false
// if there is none.
func (s Slot) Running() (i Instance, ok bool) {
	i = s.Instance()
	return i, i.Steerable()
}
