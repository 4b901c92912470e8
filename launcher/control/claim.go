package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher"
)

// Claim is held by the process that is the run of a slot.
type Claim struct {
	Note   Note
	Killed Killed // the previous run, if it was killed
	// SocketErr is why the run has no socket and cannot be controlled; nil if
	// it has one.
	SocketErr error

	slot    Slot
	socket  net.Listener
	release func() error
}

// Killed describes a run that was killed.
type Killed struct {
	Note    Note
	Orphans []launcher.Orphan // its processes, which Claim has killed
}

// RunningError reports that another run holds the slot.
type RunningError struct{ Instance Instance }

func (e *RunningError) Error() string { return e.Instance.Holder.Error() }

func (e *RunningError) Unwrap() error { return e.Instance.Holder }

// Claim makes this process the run of the slot. In about, the caller fills in
// the checkout, the terminal and the version. The error is a *RunningError if
// there is a run. If the previous run was killed, Claim ends its processes;
// they have grace to exit.
func (s Slot) Claim(about Note, grace time.Duration) (Claim, error) {
	_ = os.MkdirAll(s.runs.path, 0o700) // on failure, the lock reports the error
	me := about
	me.PID, me.Since, me.ID, me.Socket = os.Getpid(), time.Now().Round(time.Second), rand.Text(), s.socket()
	me.DirectoryID, me.Protocol = directoryID(me.Directory), Protocol
	if id, err := process.Find(me.PID); err == nil {
		me.Start = id.Start
	}
	release, stale, err := s.acquire(me)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return Claim{}, &RunningError{s.holderInstance(held)}
	}
	if err != nil {
		return Claim{}, err
	}
	s.recordCheckout(me.Directory)
	c := Claim{Note: me, slot: s, release: release}
	if before := parseNote(stale); before.ID != "" {
		c.Killed = Killed{before, system.KillOrphans(before.ID, grace, slices.Concat(before.Outside, me.Outside)...)}
	}
	c.socket, c.Note.Socket, c.SocketErr = s.listen()
	if c.Note.Socket != me.Socket {
		_ = lockfile.SetNote(s.Lock(), c.Note) // on a full disk, clients look where the socket was expected
	}
	return c, nil
}

// cleanUpTimeout is how long a process that is not a run may hold the lock to
// clean up.
const cleanUpTimeout = system.KillTimeout + 2*time.Second

// acquire takes the lock of the slot, and waits while another process cleans
// up.
func (s Slot) acquire(note Note) (release func() error, stale json.RawMessage, err error) {
	for end := time.Now().Add(cleanUpTimeout); ; time.Sleep(dialInterval) {
		release, stale, err = lockfile.TryAcquire(s.Lock(), note)
		var held *lockfile.HeldError
		if !errors.As(err, &held) || s.holderInstance(held).Runs() || time.Now().After(end) {
			return release, stale, err
		}
	}
}

// Serve lets other processes control the run until stop is called. It replaces
// a lost socket, and its directory. Of run.About, the caller fills in only the
// project and the worktree.
func (c Claim) Serve(run Run) (stop func()) {
	if c.SocketErr != nil {
		return func() {}
	}
	run.About.PID, run.About.Since = c.Note.PID, c.Note.Since
	run.About.Directory, run.About.Terminal = c.Note.Directory, c.Note.Terminal
	run.note = c.Note
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.serve(ctx, run)
	}()
	return func() {
		cancel()
		<-done
	}
}

// socketPoll is how often a run checks that its socket still exists.
const socketPoll = time.Second

// serve serves the run on its socket and on replacements of it. Clients of a
// lost socket stay connected.
func (c Claim) serve(ctx context.Context, run Run) {
	var servers sync.WaitGroup
	defer servers.Wait()
	holds := newHolds(run)
	holds.awaitStarter(ctx)
	start := func(l net.Listener) { servers.Go(func() { _ = serve(ctx, l, run, holds) }) }
	start(c.socket)
	made, _ := os.Lstat(c.Note.Socket)
	ticks := time.NewTicker(socketPoll)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if intact(c.Note.Socket, made) {
			continue
		}
		l, path, err := c.slot.listen()
		if err != nil {
			continue // try again at the next tick
		}
		c.Note.Socket = path
		made, _ = os.Lstat(path)
		_ = lockfile.SetNote(c.slot.Lock(), c.Note) // on failure, clients keep using the old path
		start(l)
	}
}

// intact reports whether path is still the socket that was created, in a directory
// of this user.
func intact(path string, made os.FileInfo) bool {
	directory, err := os.Lstat(filepath.Dir(path))
	if err != nil || !directory.IsDir() || !ownedByUser(directory) {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, made)
}

// Slot returns the slot of the run.
func (c Claim) Slot() Slot { return c.slot }

// Release releases the slot for the next run.
func (c Claim) Release() error {
	if c.SocketErr == nil {
		c.socket.Close() // unless Serve has closed it
	}
	return c.release()
}
