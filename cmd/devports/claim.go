package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/lockfile"
)

// claim makes a process the one `up` of its scope.
type claim struct {
	instance string       // unlike that of any other `up`
	release  func() error // gives the scope up for another
}

// instance is what a running `up` leaves in its lock file for others to read.
// If it is still there when nobody holds the lock, the `up` has been killed.
type instance struct {
	PID       int       `json:"pid"`
	Since     time.Time `json:"since"`
	Directory string    `json:"directory,omitempty"`
	Terminal  string    `json:"terminal,omitempty"`
	ID        string    `json:"id,omitempty"` // launcher.Options.Instance
}

// claim makes this the one `up` of the scope, or says who is. What an earlier
// one has left because it was killed is ended.
func (s session) claim(scope registry.Scope) (claim, error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return claim{}, err
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", scope.Directory, scope.Worktree)
	path := filepath.Join(home, "run", fmt.Sprintf("%016x.lock", h.Sum64()))
	me := instance{os.Getpid(), time.Now().Round(time.Second), scope.Directory, terminalName(), rand.Text()}
	release, left, err := lockfile.TryAcquire(path, me)
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
	return claim{me.ID, release}, nil
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
	return fail(exitRunning, fmt.Sprintf("press Ctrl-C there, or type: kill %d", other.PID),
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
