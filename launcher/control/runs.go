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

// Runs are all runs of a user: the directories of their files.
type Runs struct {
	path    string   // contains lock files and logs
	sockets []string // directories for sockets, in order of preference
}

// NewRuns returns the runs in devports' home. Their sockets are created in
// runtime, the value of XDG_RUNTIME_DIR, if it is an absolute path to a
// directory of this user; sudo -E keeps another user's.
func NewRuns(home, runtime string) Runs {
	r := Runs{path: filepath.Join(home, "run")}
	if info, err := os.Stat(runtime); filepath.IsAbs(runtime) && err == nil && ownedByUser(info) {
		r.sockets = append(r.sockets, filepath.Join(runtime, "devports"))
	}
	name := fmt.Sprintf("devports-%d", os.Getuid())
	r.sockets = append(r.sockets, r.path, filepath.Join(os.TempDir(), name))
	if shortTemp != "" {
		r.sockets = append(r.sockets, filepath.Join(shortTemp, name))
	}
	return r
}

// Path returns the directory of the lock files and logs.
func (r Runs) Path() string { return r.path }

// maxSocketPath is the length of a socket's path, in bytes, that every system
// accepts. macOS's limit is 103.
const maxSocketPath = 100

// SocketPaths are the paths for a socket of that name, in order of preference:
// those that are short enough. There is one unless a user has long paths and the
// system no short one.
func (r Runs) SocketPaths(name string) (paths []string) {
	for _, directory := range r.sockets {
		if path := filepath.Join(directory, name+".sock"); len(path) <= maxSocketPath {
			paths = append(paths, path)
		}
	}
	return paths
}

// ErrNoSocketPath reports that SocketPaths returns none.
var ErrNoSocketPath = fmt.Errorf("its path would have more than %d bytes in each possible directory", maxSocketPath)

// Slot is the place of the run of one checkout. At most one process holds its
// lock.
type Slot struct {
	runs Runs
	name string // of its files, without extension
}

// Name names the slot among those of a user. It can be the name of a file.
func (s Slot) Name() string { return s.name }

const lockExtension = ".lock"

// Slot returns the slot of a checkout, which its directory and worktree label
// identify.
func (r Runs) Slot(directory, worktree string) Slot {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", directory, worktree)
	return Slot{r, fmt.Sprintf("%016x", h.Sum64())}
}

// Instances returns the instances of all slots that were ever used, sorted by
// directory: live runs and the remains of others.
func (r Runs) Instances() []Instance {
	entries, _ := os.ReadDir(r.path) // without a directory there are none
	var instances []Instance
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), lockExtension); ok {
			instances = append(instances, Slot{r, name}.Instance())
		}
	}
	slices.SortStableFunc(instances, func(a, b Instance) int { return cmp.Compare(a.Note.Directory, b.Note.Directory) })
	return instances
}

// Lock is the path of the lock file. Only Discard removes it: see package
// lockfile.
func (s Slot) Lock() string { return s.file(lockExtension) }

// Log is the path of the file for what a background run prints besides the output
// of its services, such as why it could not start.
func (s Slot) Log() string { return s.file(".log") }

func (s Slot) file(extension string) string { return filepath.Join(s.runs.path, s.name+extension) }

// socket returns the path where a new run will probably create its socket: the
// first in a directory that is private or can be created.
func (s Slot) socket() string {
	for _, path := range s.socketPaths() {
		if makePrivate(filepath.Dir(path)) == nil {
			return path
		}
	}
	return ""
}

// listen creates the socket of a new run at the first path where that succeeds.
func (s Slot) listen() (l net.Listener, path string, err error) {
	err = ErrNoSocketPath
	var failures []error
	for _, path := range s.socketPaths() {
		l, failed := Listen(path)
		if failed == nil {
			return l, path, nil
		}
		failures = append(failures, failed)
		err = errors.Join(failures...)
	}
	return nil, "", err
}

// makePrivate creates a directory for this user only, or makes an existing one
// private. It refuses a directory of another user, who could place a socket there.
func makePrivate(directory string) error {
	if err := os.Mkdir(directory, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(directory)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", directory)
	case !ownedByUser(info):
		return fmt.Errorf("%s belongs to another user", directory)
	case info.Mode().Perm() != 0o700:
		return os.Chmod(directory, 0o700)
	}
	return nil
}

func (s Slot) socketPaths() []string { return s.runs.SocketPaths(s.name) }

// Instance returns the run that holds the slot, or the remains of the last one.
func (s Slot) Instance() Instance {
	held, note := lockfile.Inspect(s.Lock())
	if held != nil {
		return s.holderInstance(held)
	}
	return Instance{s, parseNote(note), nil}
}

// holderInstance returns the instance that holds the lock. If it could not
// write its note, on a full disk, the run is queried for it.
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
		ctx, cancel := context.WithTimeout(context.Background(), identifyTimeout)
		note, err := requestNote(ctx, conn)
		cancel()
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
