package control

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher"
)

// Claim is held by the process that is the run of a slot.
type Claim struct {
	Note   Note
	Killed Killed // the run before, if that was killed
	// Unreachable says why the run has no socket and cannot be steered; nil if
	// it has one.
	Unreachable error

	socket  net.Listener
	release func() error
}

// Killed is a run that was killed.
type Killed struct {
	Note  Note
	Ended []launcher.Orphan // what it had left, and Claim has ended
}

// RunningError says that a run holds the slot already.
type RunningError struct{ Instance Instance }

func (e *RunningError) Error() string { return e.Instance.Holder.Error() }

func (e *RunningError) Unwrap() error { return e.Instance.Holder }

// Claim makes this process the run of the slot, which terminal was started in,
// if any. The error is a *RunningError if there is a run. The processes that a
// killed run has left have the time of grace to end by themselves.
func (s Slot) Claim(directory, terminal string, grace time.Duration) (Claim, error) {
	me := Note{
		PID: os.Getpid(), Since: time.Now().Round(time.Second), Directory: directory, Terminal: terminal,
		ID: rand.Text(), Socket: s.socket(),
	}
	release, left, err := lockfile.TryAcquire(s.Lock(), me)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return Claim{}, &RunningError{Instance{s, parseNote(held.Note), held}}
	}
	if err != nil {
		return Claim{}, err
	}
	c := Claim{Note: me, release: release}
	if before := parseNote(left); before.ID != "" {
		c.Killed = Killed{before, system.KillOrphans(before.ID, grace)}
	}
	c.socket, c.Unreachable = Listen(me.Socket)
	return c, nil
}

// Serve lets other processes steer the run, until stop is called. Of what the
// run is about, only the project and the worktree are needed.
func (c Claim) Serve(run Run) (stop func()) {
	if c.Unreachable != nil {
		return func() {}
	}
	run.About.PID, run.About.Since = c.Note.PID, c.Note.Since
	run.About.Directory, run.About.Terminal = c.Note.Directory, c.Note.Terminal
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = Serve(ctx, c.socket, run)
	}()
	return func() {
		cancel()
		<-done
	}
}

// Release gives the slot up for another run.
func (c Claim) Release() error {
	if c.Unreachable == nil {
		c.socket.Close() // unless it was served
	}
	return c.release()
}
