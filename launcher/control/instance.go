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

// Note is written by a run into its lock file, for other processes. A note in a
// lock file that no process holds means that the run was killed.
type Note struct {
	PID         int       `json:"pid"`
	Start       int64     `json:"start,omitempty"` // process.ID.Start; 0 if unknown
	Since       time.Time `json:"since"`
	Directory   string    `json:"directory,omitempty"`
	DirectoryID string    `json:"directory_id,omitempty"` // identifies the directory even after it has moved
	Project     string    `json:"project,omitempty"`
	Worktree    string    `json:"worktree,omitempty"`
	Terminal    string    `json:"terminal,omitempty"`
	NoPins      bool      `json:"no_pins,omitempty"`    // its services have ports of their own, even if the Portfile pins them
	Shared      bool      `json:"shared,omitempty"`     // it starts the services that all checkouts share
	StartedBy   string    `json:"started_by,omitempty"` // the checkout that started it, if Shared
	ID          string    `json:"id,omitempty"`         // launcher.Instance.ID
	Protocol    int       `json:"protocol,omitempty"`   // of its requests; 0 stands for 1
	Version     string    `json:"version,omitempty"`    // of devports
	Socket      string    `json:"socket,omitempty"`     // path of its socket
	Outside     []string  `json:"outside,omitempty"`    // see [procfile.Plan]
}

// parseNote returns the zero Note for anything but the note of a run: another
// program may have taken the lock.
func parseNote(text json.RawMessage) Note {
	var n Note
	if json.Unmarshal(text, &n) != nil || n.PID <= 0 {
		return Note{}
	}
	return n
}

// Instance is the content of a slot.
type Instance struct {
	Slot
	Note   Note                // zero if the run ended normally, or the holder is not a run
	Holder *lockfile.HeldError // holder of the lock; nil if there is none
}

// Runs reports whether the run is alive.
func (i Instance) Runs() bool { return i.Holder != nil && i.Note.PID > 0 }

// Terminate sends SIGTERM to a run that cannot be reached, which ends it like
// Down. It fails unless that process holds the lock.
func (i Instance) Terminate() error {
	if now := i.Slot.Instance(); !now.Runs() || now.Note.ID != i.Note.ID {
		return launcher.ErrEnded
	}
	if i.Note.Start == 0 {
		return errors.New("its start time is unknown")
	}
	err := process.ID{PID: i.Note.PID, Start: i.Note.Start}.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		return errOtherProcess(i.Note.PID)
	}
	return err
}

// Kill kills a run that does not respond, with every process it has started,
// and cleans up after it. It returns these processes. It fails, without killing
// any, unless the run's process holds the lock.
func (i Instance) Kill(ctx context.Context, grace time.Duration) ([]launcher.Orphan, error) {
	now := i.Slot.Instance()
	switch {
	case !now.Runs() || now.Note.ID != i.Note.ID:
		return nil, launcher.ErrEnded
	case i.Note.Start == 0:
		return nil, errors.New("its start time is unknown")
	}
	ended, err := system.KillRun(process.ID{PID: i.Note.PID, Start: i.Note.Start}, i.Note.ID, grace, i.Note.Outside...)
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
		err = nil // the next run has started, and has cleaned up
	}
	return ended, err
}

func errOtherProcess(pid int) error {
	return fmt.Errorf("pid %d is another process here: the run may be in a container", pid)
}

// Controllable reports whether the run is alive and has a socket.
func (i Instance) Controllable() bool { return i.Holder != nil && i.Note.Socket != "" }

// Killed reports whether the run was killed, and no other has started since.
func (i Instance) Killed() bool { return i.Holder == nil && i.Note.ID != "" }

// Client returns a client for the run. It connects with the first request.
func (i Instance) Client() Client {
	c := newClient(i.dial)
	c.identify = func(ctx context.Context) error {
		if err := i.Note.checkProtocol(); err != nil {
			return err
		}
		_, err := i.identify(ctx)
		return err
	}
	c.ended = func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, endTimeout)
		defer cancel()
		return i.AwaitEnd(ctx) == nil
	}
	return c
}

// replaceTimeout is how long a run may take to replace a lost socket.
const replaceTimeout = socketPoll + 5*time.Second

// dial connects to the run, wherever its socket is now. The error is an
// *UnreachableError if the run is alive, and an *UnresponsiveError if it is
// suspended.
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
		case now.Suspended():
			return nil, &UnresponsiveError{i.Note.PID, true}
		case !now.Runs() || now.Note.ID != i.Note.ID:
			return nil, err
		case now.Note.Socket == "" || time.Now().After(end) && !i.starting():
			return nil, &UnreachableError{i.Note.PID, err}
		}
		i.Note.Socket = now.Note.Socket
	}
}

var errNoSocket = errors.New("it has no socket")

// UnreachableError reports that there is no connection to a live run.
type UnreachableError struct {
	PID int
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("pid %d cannot be reached: %v", e.PID, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Processes returns the live processes that the run has started.
func (i Instance) Processes() []launcher.Orphan {
	if i.Note.ID == "" {
		return nil
	}
	return system.FindProcesses(i.Note.ID, i.Note.Outside...)
}

// AbandonedSockets returns the sockets of the slot on which no process listens.
func (i Instance) AbandonedSockets() []string {
	paths := append(i.socketPaths(), i.Note.Socket)
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" || !Abandoned(path) })
}

// CleanUp ends the processes that a killed run has left, which have grace to
// exit, and removes its sockets. It holds the lock meanwhile, so that no run
// starts. The error is a *lockfile.HeldError if a run has started.
func (i Instance) CleanUp(grace time.Duration) (ended []launcher.Orphan, err error) {
	release, left, err := lockfile.TryAcquire(i.Lock(), nil)
	if err != nil {
		return nil, err
	}
	i.Note, i.Holder = parseNote(left), nil
	if i.Killed() {
		ended = system.KillOrphans(i.Note.ID, grace, i.Note.Outside...)
	}
	for _, path := range i.AbandonedSockets() {
		err = errors.Join(err, os.Remove(path))
	}
	return ended, errors.Join(err, release())
}

// Discard removes all files of a slot without a run: its log, sockets and lock.
// The error is a *lockfile.HeldError if a run has started.
func (i Instance) Discard() error {
	return lockfile.Remove(i.Lock(), func() error {
		names, err := fs.Glob(os.DirFS(i.runs.path), i.name+".*")
		paths := i.AbandonedSockets()
		for _, name := range names {
			paths = append(paths, filepath.Join(i.runs.path, name))
		}
		for _, path := range paths {
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

// AwaitEnd waits until the run has released its lock, the last step of its end.
// It does not take the lock itself, which could get in the way of the next run.
// The error is ctx.Err().
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
	// endTimeout is how long a run may take to end after it has closed its
	// socket: it sends the last lines.
	endTimeout = lastLinesTimeout + 3*time.Second

	// queryTimeout is how long a run may take to return its status.
	queryTimeout = startTime + 2*time.Second
)

// QueryResult is an instance with its status.
type QueryResult struct {
	Instance
	Info Info
	Err  error // why a live instance has no Info
}

// Responded reports whether the instance is alive and has returned its status.
func (r QueryResult) Responded() bool { return r.Holder != nil && r.Err == nil }

// Query requests the status of a live instance, for at most queryTimeout. If
// the run ends meanwhile, the result is the instance as it is then.
func (i Instance) Query(ctx context.Context) QueryResult {
	if i.Holder == nil {
		return QueryResult{Instance: i}
	}
	info, err := i.status(ctx)
	if err != nil && !errors.As(err, new(*UnresponsiveError)) {
		if now := i.Slot.Instance(); now.Holder == nil || now.Holder.PID != i.Holder.PID {
			return now.Query(ctx)
		}
	}
	return QueryResult{i, info, err}
}

func (i Instance) status(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return i.Client().statusUnsynced(ctx)
}
