package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// claim makes a process the one `up` of its scope.
type claim struct {
	instance
	socket  net.Listener // by which it is steered; nil if it could not be made
	release func() error // gives the scope up for another
}

// instance is what a running `up` leaves in its lock file for others to read.
// If it is still there when nobody holds the lock, the `up` has been killed.
type instance struct {
	PID       int       `json:"pid"`
	Since     time.Time `json:"since"`
	Directory string    `json:"directory,omitempty"`
	Terminal  string    `json:"terminal,omitempty"`
	ID        string    `json:"id,omitempty"`     // launcher.Options.Instance
	Socket    string    `json:"socket,omitempty"` // where it can be steered
}

// claim makes this the one `up` of the scope, or says who is. What an earlier
// one has left because it was killed is ended.
func (s session) claim(scope registry.Scope) (claim, error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return claim{}, err
	}
	name := scopeHash(scope)
	me := instance{
		PID: os.Getpid(), Since: time.Now().Round(time.Second), Directory: scope.Directory, Terminal: terminalName(),
		ID: rand.Text(), Socket: s.socketPath(home, name),
	}
	release, left, err := lockfile.TryAcquire(filepath.Join(home, "run", name+".lock"), me)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return claim{}, alreadyRuns(scope, held)
	}
	if err != nil {
		return claim{}, err
	}
	var dead instance
	if json.Unmarshal(left, &dead) == nil && dead.ID != "" {
		s.endLeft(dead)
	}
	socket, err := control.Listen(me.Socket)
	if err != nil {
		s.note("devports ps, restart and the like will not find this run: %v", err)
	}
	return claim{me, socket, func() error {
		if socket != nil {
			socket.Close() // unless it has been served
		}
		return release()
	}}, nil
}

// scopeHash names the files of the scope's `up`.
func scopeHash(scope registry.Scope) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", scope.Directory, scope.Worktree)
	return fmt.Sprintf("%016x", h.Sum64())
}

// socketLength is what systems take of a socket's path, less a little.
const socketLength = 100

// socketPath is where the `up` of a scope is steered: in the first of the
// folders whose path is not too long.
func (s session) socketPath(home, name string) (path string) {
	for _, folder := range s.socketFolders(home) {
		if path = filepath.Join(folder, name+".sock"); len(path) <= socketLength {
			break
		}
	}
	return path
}

func (s session) socketFolders(home string) []string {
	folders := []string{filepath.Join(home, "run"), filepath.Join(os.TempDir(), fmt.Sprintf("devports-%d", os.Getuid()))}
	if dir := s.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		folders = slices.Insert(folders, 0, filepath.Join(dir, "devports"))
	}
	return folders
}

func alreadyRuns(scope registry.Scope, held *lockfile.HeldError) error {
	var other instance
	if json.Unmarshal(held.Note, &other) != nil || other.PID == 0 {
		return fail(exitRunning, "", "%s already runs (its lock is %s)", scope, held.Path)
	}
	where := ""
	if other.Terminal != "" {
		where = " in " + other.Terminal
	}
	return fail(exitRunning, "devports ps shows what runs, devports restart SERVICE starts one anew, devports down ends it all",
		"%s already runs: pid %d%s, since %s", scope, other.PID, where, other.Since.Local().Format(time.DateTime))
}

// leftGrace is what processes that nobody looks after get to end by themselves.
const leftGrace = time.Second

// endLeft ends what an `up` that was killed has left.
func (s session) endLeft(dead instance) {
	left := launcher.EndLeft(dead.ID, leftGrace)
	if len(left) > 0 {
		s.note("up (pid %d) was killed; ended what it had left: %s", dead.PID, tellLeft(left))
	}
}

func tellLeft(left []launcher.Left) string {
	var words []string
	for _, l := range left {
		word := fmt.Sprintf("pid %d (%s)", l.PID, shorten(oneLine(l.Command), 48))
		if l.Service != "" {
			word = l.Service + ", " + word
		}
		words = append(words, word)
	}
	return list(words)
}

// terminalName names the terminal that devports was started in, where the
// system tells.
func terminalName() string {
	if !isTerminal(os.Stdin) {
		return ""
	}
	name, _ := os.Readlink("/proc/self/fd/0")
	return name
}
