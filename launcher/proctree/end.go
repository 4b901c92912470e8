package proctree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/process"
)

// End ends every process that find returns from a snapshot, and goes on until it
// returns none: a process may fork while it is being ended. It never signals this
// process itself.
//
// Those found first get sig, and SIGCONT so that a stopped one can act on it.
// What they start meanwhile gets sig when all of them have ended, not before: it
// may be what they need to end in good order. What lives after grace gets SIGKILL,
// as does all that appears later. With no sig (0) or no grace that is at once.
//
// End returns the processes it met, each once, in the order in which it met them.
// The error is that of ctx if that ends first, and tells of processes that this
// one may not signal if no others are left. A process that the system does not
// end, in an uninterruptible wait, is waited for as long as ctx allows.
func End(ctx context.Context, find func(Tree) []Process, sig syscall.Signal, grace time.Duration) ([]Process, error) {
	e := &ending{find: find, known: map[process.ID]bool{}}
	if sig != 0 && sig != syscall.SIGKILL && grace > 0 {
		if err := e.ask(ctx, sig, grace); err != nil {
			return e.met, err
		}
	}
	err := e.kill(ctx)
	return e.met, err
}

// ending is the state of one call of End.
type ending struct {
	find  func(Tree) []Process
	met   []Process
	known map[process.ID]bool // those met
	quiet int                 // how many times in a row nothing was found
}

// round is what one look has found.
type round struct {
	tree  Tree
	found []Process // what is to be ended and lives
	fresh []Process // those of found that were not met before
}

// look finds what is to be ended: also what find told once and does not any
// more, as the child of one that has ended and that nobody has adopted.
func (e *ending) look(ctx context.Context) (round, error) {
	if err := ctx.Err(); err != nil {
		return round{}, err
	}
	tree, err := Snapshot()
	if err != nil {
		return round{}, err
	}
	r := round{tree: tree}
	for _, p := range e.met {
		if now, ok := tree.process(p.PID); ok && now.ID == p.ID && !now.Zombie {
			r.found = append(r.found, now)
		}
	}
	for _, p := range e.find(tree) {
		if !e.known[p.ID] && !p.Zombie && p.PID != os.Getpid() {
			e.known[p.ID] = true
			r.fresh = append(r.fresh, p)
		}
	}
	r.found = append(r.found, r.fresh...)
	e.met = append(e.met, r.fresh...)
	e.quiet++
	if len(r.found) > 0 {
		e.quiet = 0
	}
	return r, nil
}

// done is true when nothing is left. A snapshot can miss a process that is
// started while an older one ends, Snapshot says when: so one look is enough only
// if no process was ever there.
func (e *ending) done() bool { return e.quiet >= 2 || e.quiet > 0 && len(e.met) == 0 }

// ask sends sig until no process is left or grace is over.
func (e *ending) ask(ctx context.Context, sig syscall.Signal, grace time.Duration) error {
	deadline := time.Now().Add(grace)
	for {
		r, err := e.look(ctx)
		left := time.Until(deadline)
		if err != nil || e.done() || left <= 0 {
			return err
		}
		for _, p := range r.fresh {
			if err := p.Signal(sig); errors.Is(err, errors.ErrUnsupported) {
				return nil // nothing to be patient for
			}
			Resume(p.ID)
		}
		if err := wait(ctx, r.found, left); err != nil {
			return err
		}
	}
}

// The pauses between rounds that find nothing but what has already got SIGKILL.
const minPause, maxPause = time.Millisecond, 20 * time.Millisecond

// kill sends SIGKILL until no process is left.
func (e *ending) kill(ctx context.Context) error {
	pause := minPause
	for !e.done() {
		r, err := e.look(ctx)
		if err != nil {
			return err
		}
		killGroups(r.tree, r.found)
		refused := killEach(r.found)
		if len(r.fresh) > 0 { // they may have forked: the next may already be there
			pause = minPause
			continue
		}
		if pause == maxPause && len(r.found) > 0 && len(refused) == len(r.found) {
			return errors.Join(refused...)
		}
		if err := wait(ctx, r.found, pause); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
	return nil
}

// Wait returns when all of ps have ended, when limit is over, or with ctx's error.
func Wait(ctx context.Context, ps []Process, limit time.Duration) error { return wait(ctx, ps, limit) }

// killEach returns why some of the processes could not be signalled.
func killEach(ps []Process) []error {
	var refused []error
	for _, p := range ps {
		if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			refused = append(refused, fmt.Errorf("cannot end process %d (%s): %w", p.PID, process.Command(p.PID), err))
		}
	}
	return refused
}

// waitPolling returns when all of ps have ended, when limit is over, or with
// ctx's error.
func waitPolling(ctx context.Context, ps []Process, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		for len(ps) > 0 && !ps[0].Alive() {
			ps = ps[1:]
		}
		left := time.Until(deadline)
		if len(ps) == 0 || left <= 0 {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}
