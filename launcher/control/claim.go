package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
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
	Killed Killed // the run before, if that was killed
	// Unreachable says why the run has no socket and cannot be steered; nil if
	// it has one.
	SocketErr error

	slot    Slot
	socket  net.Listener
	release func() error
}

// Killed is a run that was killed.
type Killed struct {
	Note    Note
	Orphans []launcher.Orphan // what it had left, and Claim has ended
}

// RunningError says that a run holds the slot already.
type RunningError struct{ Instance Instance }

func (e *RunningError) Error() string { return e.Instance.Holder.Error() }

func (e *RunningError) Unwrap() error { return e.Instance.Holder }

// Claim makes this process the run of the slot. Of about, the caller fills in the
// checkout, and the terminal that it was started in, if any. The error is a *RunningError if there is a run. The processes that a
// killed run has left have the time of grace to end by themselves.
func (s Slot) Claim(about Note, grace time.Duration) (Claim, error) {
	_ = os.MkdirAll(s.folder.path, 0o700) // or the lock says why not
	me := about
	me.PID, me.Since, me.ID, me.Socket = os.Getpid(), time.Now().Round(time.Second), rand.Text(), s.socket()
	me.DirectoryID = directoryID(me.Directory)
	if id, err := process.Find(me.PID); err == nil {
		me.Start = id.Start
	}
	release, left, err := s.acquire(me)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return Claim{}, &RunningError{s.holderInstance(held)}
	}
	if err != nil {
		return Claim{}, err
	}
	s.recordCheckout(me.Directory)
	c := Claim{Note: me, slot: s, release: release}
	if before := parseNote(left); before.ID != "" {
		c.Killed = Killed{before, system.KillOrphans(before.ID, grace)}
	}
	c.socket, c.Note.Socket, c.SocketErr = s.listen()
	if c.Note != me {
		_ = lockfile.SetNote(s.Lock(), c.Note) // on a full disk it is found where it was expected, or not at all
	}
	return c, nil
}

// clearing is how long a process that is no run may hold the lock, to clear up.
const cleanUpTimeout = 2 * time.Second

// acquire takes the lock of the slot, and waits for one that clears up.
func (s Slot) acquire(note Note) (release func() error, left json.RawMessage, err error) {
	for end := time.Now().Add(cleanUpTimeout); ; time.Sleep(dialInterval) {
		release, left, err = lockfile.TryAcquire(s.Lock(), note)
		var held *lockfile.HeldError
		if !errors.As(err, &held) || s.holderInstance(held).Runs() || time.Now().After(end) {
			return release, left, err
		}
	}
}

// Serve lets other processes steer the run, until stop is called. A socket that
// is lost, with its folder, is replaced by another one. Of what the run is about,
// only the project and the worktree are needed.
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

// lossPoll is how long a socket may be lost before its run notices.
const socketPoll = time.Second

// serve serves the run on its socket, and on those that follow it. Who is served
// by a lost one goes on.
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
			continue // perhaps the next time
		}
		c.Note.Socket = path
		made, _ = os.Lstat(path)
		_ = lockfile.SetNote(c.slot.Lock(), c.Note) // clients look where it was, then
		start(l)
	}
}

// intact reports whether a socket is the one that was made, in a folder of this
// user.
func intact(path string, made os.FileInfo) bool {
	folder, err := os.Lstat(filepath.Dir(path))
	if err != nil || !folder.IsDir() || !ownedByUser(folder) {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, made)
}

// Release gives the slot up for another run.
func (c Claim) Release() error {
	if c.SocketErr == nil {
		c.socket.Close() // unless it was served
	}
	return c.release()
}
