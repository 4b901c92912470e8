// Package setup remembers which steps of a project's setup have run in which
// checkout, and decides which have to run. It compares the content of files,
// not their times.
//
// For each scope there is a file in the directory "setup" of devports' home,
// with the directory and its identity: a directory that was removed and created
// again is a new checkout. While a step runs, it has no record: after an
// interruption it runs again. Each step of a directory has a lock: of two runs
// of one scope, only one runs the step, and scopes that share the directory run
// it one after the other.
package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/procfile"
)

// Checkout is a checkout whose steps are remembered.
type Checkout struct {
	Slot      string // the name of its file, without extension
	Directory string
	ID        string // changes when the directory is removed and created again
}

// Store is the state of the steps of one checkout. Its methods may be called
// from any goroutine.
type Store struct {
	directory string
	checkout  Checkout
}

// NewStore returns the Store of a checkout in devports' home.
func NewStore(home string, c Checkout) Store { return Store{filepath.Join(home, "setup"), c} }

// state is the content of a file.
type state struct {
	Version   int               `json:"version"`
	Directory string            `json:"directory"`
	ID        string            `json:"id,omitempty"`
	Steps     map[string]record `json:"steps"`
}

// record is what is known about a step.
type record struct {
	fingerprint
	At     time.Time `json:"at"`
	Failed string    `json:"failed,omitempty"` // when it last ran: why
}

const (
	version   = 1
	extension = ".json"

	// updateWait bounds how long another process may take to update a file.
	updateWait = 10 * time.Second
	// turnWait bounds how long another run may take for a step.
	turnWait = 24 * time.Hour
)

func (s Store) path() string { return filepath.Join(s.directory, s.checkout.Slot+extension) }

// load reads the state; that of another directory, or one that cannot be read,
// is empty: then the steps run again.
func (s Store) load() state {
	fresh := state{Version: version, Directory: s.checkout.Directory, ID: s.checkout.ID, Steps: map[string]record{}}
	content, err := atomicfile.Read(s.path())
	var known state
	if err != nil || json.Unmarshal(content, &known) != nil || known.Version != version || known.Steps == nil {
		return fresh
	}
	if known.Directory != s.checkout.Directory || known.ID != s.checkout.ID {
		return fresh
	}
	return known
}

// update changes the state.
func (s Store) update(change func(steps map[string]record)) error {
	release, err := lockfile.Acquire(context.Background(), filepath.Join(s.directory, s.checkout.Slot+".lock"), updateWait)
	if err != nil {
		return err
	}
	defer release()
	known := s.load()
	change(known.Steps)
	content, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.path(), append(content, '\n'), atomicfile.Options{})
}

// Stale returns why a step would run now; "" if it is up to date.
func (s Store) Stale(step procfile.Process) (why string, err error) {
	now, err := fingerprintOf(step)
	if err != nil {
		return "", err
	}
	r, known := s.load().Steps[step.Service]
	return stale(step, now, r, known), nil
}

// Forget makes steps run at their next turn.
func (s Store) Forget(steps ...string) error {
	return s.update(func(known map[string]record) {
		for _, name := range steps {
			delete(known, name)
		}
	})
}

// Changed reports whether the "when" files of a step differ from those after its
// latest run. While a step runs, it reports false: a change then counts as the
// step's own.
func (s Store) Changed(step procfile.Process) bool {
	r, known := s.load().Steps[step.Service]
	if !known {
		return false
	}
	now, err := fingerprintOf(step)
	return err != nil || now.Files != r.Files
}

// Observer has the callbacks of Begin, for messages. All must be set.
type Observer struct {
	Waiting func(*lockfile.HeldError) // another run has the turn
	// Incomplete: the step has succeeded, but has not created something.
	Incomplete func(missing []string)
	// Changed: its "when" files changed while it ran.
	Changed func()
}

// Begin begins the turn of a step: see [launcher.Options]. If another run has
// the turn, it waits; ctx ends the wait.
//
// The state of the "when" files is that after the run: a step that writes them,
// such as one that updates a lock file, must not run again because of that.
func (s Store) Begin(ctx context.Context, step procfile.Process, force bool, o Observer) (launcher.Turn, error) {
	release, err := s.lock(ctx, step.Service, o.Waiting)
	if err != nil {
		return launcher.Turn{}, err
	}
	done := func(*launcher.Exit) { _ = release() }
	now, err := fingerprintOf(step)
	if err != nil {
		done(nil)
		return launcher.Turn{}, err
	}
	r, known := s.load().Steps[step.Service]
	if !force && stale(step, now, r, known) == "" {
		return launcher.Turn{End: done}, nil
	}
	if known { // until it has succeeded
		if err := s.Forget(step.Service); err != nil {
			done(nil)
			return launcher.Turn{}, fmt.Errorf("cannot store the state of the setup: %w", err)
		}
	}
	return launcher.Turn{Needed: true, End: func(exit *launcher.Exit) {
		defer release()
		if exit == nil {
			return
		}
		r := record{fingerprint: now, At: time.Now().UTC()}
		if after, err := fingerprintOf(step); err == nil && after.Files != now.Files {
			r.Files = after.Files
			o.Changed()
		}
		if exit.Status != 0 || exit.Err != nil {
			r.Failed = exit.String()
		}
		if s.update(func(steps map[string]record) { steps[step.Service] = r }) != nil || r.Failed != "" {
			return // it runs again next time
		}
		if gone := missing(step); len(gone) > 0 {
			o.Incomplete(gone)
		}
	}}, nil
}

// lock takes the lock of a step.
func (s Store) lock(ctx context.Context, step string, waiting func(*lockfile.HeldError)) (release func() error, err error) {
	h := fnv.New64a()
	h.Write([]byte(s.checkout.Directory))
	path := filepath.Join(s.directory, fmt.Sprintf("%016x-%s.lock", h.Sum64(), step))
	release, _, err = lockfile.TryAcquire(path, nil)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		waiting(held)
		return lockfile.Acquire(ctx, path, turnWait)
	}
	return release, err
}

// Stored is the state of a checkout on disk.
type Stored struct {
	Directory string
	path      string
}

// All returns the state of all checkouts.
func All(home string) (all []Stored, err error) {
	directory := filepath.Join(home, "setup")
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), extension) {
			continue
		}
		path := filepath.Join(directory, e.Name())
		content, unread := atomicfile.Read(path)
		var known state
		if unread == nil && json.Unmarshal(content, &known) == nil {
			all = append(all, Stored{known.Directory, path})
		}
	}
	return all, err
}

// Remove removes the state and the locks of the checkout.
func (s Stored) Remove() error {
	h := fnv.New64a()
	h.Write([]byte(s.Directory))
	directory := filepath.Dir(s.path)
	locks, _ := fs.Glob(os.DirFS(directory), fmt.Sprintf("%016x-*.lock", h.Sum64()))
	locks = append(locks, strings.TrimSuffix(filepath.Base(s.path), extension)+".lock")
	for _, lock := range locks {
		_ = lockfile.Remove(filepath.Join(directory, lock), func() error { return nil })
	}
	return os.Remove(s.path)
}
