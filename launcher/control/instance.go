package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher"
)

// Note is what a run writes into its lock file for others to read. If it is
// still there when no process holds the lock, the run was killed.
type Note struct {
	PID         int       `json:"pid"`
	Start       int64     `json:"start,omitempty"` // process.ID.Start; 0 where it is not known
	Since       time.Time `json:"since"`
	Directory   string    `json:"directory,omitempty"`
	DirectoryID string    `json:"directory_id,omitempty"` // identifies the directory, wherever it is moved
	Project     string    `json:"project,omitempty"`
	Worktree    string    `json:"worktree,omitempty"`
	Terminal    string    `json:"terminal,omitempty"`
	NoPins      bool      `json:"no_pins,omitempty"` // its services have ports of their own, whatever is pinned
	ID          string    `json:"id,omitempty"`      // launcher.Options.Instance
	Socket      string    `json:"socket,omitempty"`  // where it can be steered
}

// parseNote returns the zero Note for what is not the note of a run: the lock
// may be another program's.
func parseNote(text json.RawMessage) Note {
	var n Note
	if json.Unmarshal(text, &n) != nil || n.PID <= 0 {
		return Note{}
	}
	return n
}

// Instance is what was found in a slot.
type Instance struct {
	Slot
	Note   Note                // zero if it has ended by itself, or is no run
	Holder *lockfile.HeldError // of the lock; nil if there is none
}

// Runs reports whether the run lives.
func (i Instance) Runs() bool { return i.Holder != nil && i.Note.PID > 0 }

// Terminate sends the run SIGTERM, which ends it as Down does, for one that
// cannot be reached. The error says why it was not sent: the process must be the
// one that has the lock.
func (i Instance) Terminate() error {
	if now := i.Slot.Instance(); !now.Runs() || now.Note.ID != i.Note.ID {
		return launcher.ErrEnded
	}
	if i.Note.Start == 0 {
		return errors.New("it is not known when it was started")
	}
	err := process.ID{PID: i.Note.PID, Start: i.Note.Start}.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		return errOtherProcess(i.Note.PID)
	}
	return err
}

// Kill ends a run that does not answer, and all that it has started, which it
// returns, and clears up after it. The error says why nothing was ended: the
// process must be the one that has the lock.
func (i Instance) Kill(ctx context.Context, grace time.Duration) ([]launcher.Orphan, error) {
	now := i.Slot.Instance()
	switch {
	case !now.Runs() || now.Note.ID != i.Note.ID:
		return nil, launcher.ErrEnded
	case i.Note.Start == 0:
		return nil, errors.New("it is not known when it was started")
	}
	ended, err := system.KillRun(process.ID{PID: i.Note.PID, Start: i.Note.Start}, i.Note.ID, grace)
	if errors.Is(err, os.ErrProcessDone) {
		err = errOtherProcess(i.Note.PID)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if err := i.AwaitEnd(ctx); err != nil {
		return ended, err
	}
	_, err = i.CleanUp(grace)
	if errors.As(err, new(*lockfile.HeldError)) {
		err = nil // the next run has begun, and has cleared up
	}
	return ended, err
}

func errOtherProcess(pid int) error {
	return fmt.Errorf("it is not the process with pid %d here: it may run in a container", pid)
}

// Steerable reports whether the run lives and has a socket.
func (i Instance) Steerable() bool { return i.Holder != nil && i.Note.Socket != "" }

// Killed reports whether the run was killed, and the next one has not begun.
func (i Instance) Killed() bool { return i.Holder == nil && i.Note.ID != "" }

// Client returns a client for the run, which connects when it is used.
func (i Instance) Client() Client {
	c := newClient(i.dial)
	c.greet = func(ctx context.Context) error {
		_, err := i.greet(ctx)
		return err
	}
	c.ended = func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, endTimeout)
		defer cancel()
		return i.AwaitEnd(ctx) == nil
	}
	return c
}

// replacing is how long a run may take to replace a socket that it has lost.
const replaceTimeout = socketPoll + startupTime

// dial connects to the run wherever its socket is by now. The error is an
// *UnreachableError if the run lives, or a *SilentError if it is stopped.
func (i Instance) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	for end := time.Now().Add(replaceTimeout); ; time.Sleep(dialInterval) {
		conn, err := net.Conn(nil), errNoSocket
		if i.Note.Socket != "" {
			conn, err = d.DialContext(ctx, "unix", i.Note.Socket)
		}
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		now := i.Slot.Instance()
		switch {
		case now.Stopped():
			return nil, &UnresponsiveError{i.Note.PID, true}
		case !now.Runs() || now.Note.ID != i.Note.ID:
			return nil, err
		case now.Note.Socket == "" || time.Now().After(end):
			return nil, &UnreachableError{i.Note.PID, err}
		}
		i.Note.Socket = now.Note.Socket
	}
}

var errNoSocket = errors.New("it has no socket")

// UnreachableError says why there is no connection to a run that lives.
type UnreachableError struct {
	PID int
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("pid %d cannot be reached: %v", e.PID, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Started returns what lives of all that the run has started.
func (i Instance) Processes() []launcher.Orphan {
	if i.Note.ID == "" {
		return nil
	}
	return system.FindProcesses(i.Note.ID)
}

// AbandonedSockets returns the sockets of the slot on which no process listens.
func (i Instance) AbandonedSockets() []string {
	paths := append(i.socketPaths(), i.Note.Socket)
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" || !Abandoned(path) })
}

// ClearUp ends the processes that a killed run has left, which have that time to
// end by themselves, and removes its sockets. It holds the lock meanwhile, so
// that no run begins. The error is a *lockfile.HeldError if one has begun.
func (i Instance) CleanUp(grace time.Duration) (ended []launcher.Orphan, err error) {
	release, left, err := lockfile.TryAcquire(i.Lock(), nil)
	if err != nil {
		return nil, err
	}
	i.Note, i.Holder = parseNote(left), nil
	if i.Killed() {
		ended = system.KillOrphans(i.Note.ID, grace)
	}
	for _, path := range i.AbandonedSockets() {
		err = errors.Join(err, os.Remove(path))
	}
	return ended, errors.Join(err, release())
}

// Discard removes all files of a slot that no run holds: its log, its sockets and
// its lock. The error is a *lockfile.HeldError if a run has begun.
func (i Instance) Discard() error {
	return lockfile.Remove(i.Lock(), func() error {
		files, err := filepath.Glob(i.file(".*"))
		for _, path := range append(files, i.AbandonedSockets()...) {
			if path != i.Lock() {
				err = errors.Join(err, removeIfThere(path))
			}
		}
		return err
	})
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// AwaitEnd waits until the run has ended: the lock is the last thing that it
// gives up. It does not take the lock, which may be in the way of the next run.
// The error is ctx's.
func (i Instance) AwaitEnd(ctx context.Context) error {
	for {
		now := i.Slot.Instance()
		if now.Holder == nil || now.Note.ID != "" && now.Note.ID != i.Note.ID {
			return nil
		}
		select {
		case <-time.After(claimPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	// endPatience is how long a run may take to end after it has closed its
	// socket.
	endTimeout = 3 * time.Second

	// askPatience is how long a run may take for its status.
	askTimeout = 2 * time.Second
)

// Answer is an instance with what it says of itself.
type Answer struct {
	Instance
	Info Info
	Err  error // why there is no Info, of an instance that lives
}

// Answers reports whether the instance lives and has answered.
func (a Answer) Responded() bool { return a.Holder != nil && a.Err == nil }

// Ask asks an instance that lives how it is, and does not wait long. Of one that
// ends meanwhile it returns what is left of it.
func (i Instance) Ask(ctx context.Context) Answer {
	if i.Holder == nil {
		return Answer{Instance: i}
	}
	info, err := i.ask(ctx)
	if err != nil && !errors.As(err, new(*UnresponsiveError)) {
		if now := i.Slot.Instance(); now.Holder == nil || now.Holder.PID != i.Holder.PID {
			return now.Ask(ctx)
		}
	}
	return Answer{i, info, err}
}

func (i Instance) ask(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return i.Client().statusUnsynced(ctx)
}
