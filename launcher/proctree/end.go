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

// Kill kills every process that find returns from a snapshot, and repeats that until
// find returns none: a process may fork while it is being killed. It never signals
// this process.
//
// Kill sends sig to the processes it finds first, and SIGCONT so that a stopped one
// can handle it. Processes that they start meanwhile, perhaps to shut down cleanly,
// get sig only after all of the first have ended. Whatever still runs after grace
// gets SIGKILL, and so does everything that appears later. If sig or grace is 0,
// Kill sends SIGKILL at once.
//
// Kill returns the processes it has found, each once, in the order in which it
// found them. The error is that of ctx if ctx is done first. If only processes are
// left that this one may not signal, the error lists them. Kill waits for a process
// in uninterruptible sleep until ctx is done.
func Kill(ctx context.Context, find func(Tree) []Process, sig syscall.Signal, grace time.Duration) ([]Process, error) {
	k := &killer{find: find, known: map[process.ID]bool{}}
	if sig != 0 && sig != syscall.SIGKILL && grace > 0 {
		if err := k.terminate(ctx, sig, grace); err != nil {
			return k.seen, err
		}
	}
	err := k.kill(ctx)
	return k.seen, err
}

// ending is the state of one call of End.
type killer struct {
	find  func(Tree) []Process
	seen  []Process
	known map[process.ID]bool // the IDs of seen
	quiet int                 // number of empty rounds in a row
}

// round is the result of one search.
type round struct {
	tree  Tree
	found []Process // the processes to kill that are alive
	fresh []Process // those of found that are not in an earlier round
}

// search finds the processes to kill, including those that find has returned
// earlier but no longer does, such as the child of one that has ended where no
// process adopts it.
func (k *killer) search(ctx context.Context) (round, error) {
	if err := ctx.Err(); err != nil {
		return round{}, err
	}
	tree, err := Snapshot()
	if err != nil {
		return round{}, err
	}
	r := round{tree: tree}
	for _, p := range k.seen {
		if now, ok := tree.process(p.PID); ok && now.ID == p.ID && !now.Zombie {
			r.found = append(r.found, now)
		}
	}
	for _, p := range k.find(tree) {
		if !k.known[p.ID] && !p.Zombie && p.PID != os.Getpid() {
			k.known[p.ID] = true
			r.fresh = append(r.fresh, p)
		}
	}
	r.found = append(r.found, r.fresh...)
	k.seen = append(k.seen, r.fresh...)
	k.quiet++
	if len(r.found) > 0 {
		k.quiet = 0
	}
	return r, nil
}

// done reports whether no process is left. A snapshot can miss a process that
// starts while an older one ends (see Snapshot), so one empty round is enough only
// if there never was a process.
func (k *killer) done() bool { return k.quiet >= 2 || k.quiet > 0 && len(k.seen) == 0 }

// terminate sends sig until no process is left or grace is over.
func (k *killer) terminate(ctx context.Context, sig syscall.Signal, grace time.Duration) error {
	deadline := time.Now().Add(grace)
	for {
		r, err := k.search(ctx)
		left := time.Until(deadline)
		if err != nil || k.done() || left <= 0 {
			return err
		}
		for _, p := range r.fresh {
			if err := p.Signal(sig); errors.Is(err, errors.ErrUnsupported) {
				return nil // there is no signal to wait for
			}
			Resume(p.ID)
		}
		if err := wait(ctx, r.found, left); err != nil {
			return err
		}
	}
}

// The pauses between rounds that find only processes that already got SIGKILL.
const minPause, maxPause = time.Millisecond, 20 * time.Millisecond

// kill sends SIGKILL until no process is left.
func (k *killer) kill(ctx context.Context) error {
	pause := minPause
	for !k.done() {
		r, err := k.search(ctx)
		if err != nil {
			return err
		}
		killGroups(r.tree, r.found)
		refused := killEach(r.found)
		if len(r.fresh) > 0 { // they may have forked
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

// Wait returns when all of ps have ended or limit is over, or with ctx's error.
func Wait(ctx context.Context, ps []Process, limit time.Duration) error { return wait(ctx, ps, limit) }

// killEach sends SIGKILL to each process. It returns the errors for those it could
// not signal.
func killEach(ps []Process) []error {
	var refused []error
	for _, p := range ps {
		if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			refused = append(refused, fmt.Errorf("cannot kill process %d (%s): %w", p.PID, process.Command(p.PID), err))
		}
	}
	return refused
}

// waitPolling is wait for systems that have nothing better than polling.
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
