package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/portserver"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

// serverFiles are the files of the port server at one address. The folder has
// those of all port servers of this user.
type serverFiles struct{ folder, lock, state string }

// portserverFiles are the lock and the state of the server at an address, of
// which a file's comes back absolute.
func (s session) portserverFiles(address string) (full string, files serverFiles, err error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return address, files, err
	}
	if !strings.HasPrefix(address, "@") {
		if address, err = filepath.Abs(address); err != nil {
			return address, files, err
		}
	}
	h := fnv.New64a()
	fmt.Fprint(h, address)
	folder := filepath.Join(home, "portserver")
	stem := filepath.Join(folder, fmt.Sprintf("%016x", h.Sum64()))
	return address, serverFiles{folder, stem + ".lock", stem + ".state"}, nil
}

// handedOutPorts are those that any port server of this user has handed out.
// They look free until their owners listen.
func (s session) handedOutPorts() map[int]bool {
	ports := map[int]bool{}
	home, err := registry.Home(s.getenv)
	if err != nil {
		return ports
	}
	states, _ := filepath.Glob(filepath.Join(home, "portserver", "*.state"))
	for _, state := range states {
		assignments, err := portserver.ReadState(state)
		if err != nil {
			s.note("%v", err)
		}
		for _, a := range assignments {
			ports[a.Port] = true
		}
	}
	return ports
}

// serverNote is what a port server leaves in its lock.
type serverNote struct {
	Address string `json:"address"`
	Pool    string `json:"pool"` // as allocator.ParseSet reads it
}

// claimWait is how long a port server waits for others that start.
const claimWait = 10 * time.Second

// claimPool makes this process the only port server at its address, and of those
// of this user the only one with the ports of its pool: each knows only what it
// has handed out itself. release ends that.
func claimPool(ctx context.Context, files serverFiles, note serverNote) (release func() error, err error) {
	// Two that start at once would otherwise each miss the other.
	started, err := lockfile.Acquire(ctx, filepath.Join(files.folder, "starting"), claimWait)
	if err != nil {
		return nil, err
	}
	defer started()
	release, _, err = lockfile.TryAcquire(files.lock, note)
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		return nil, portserverRuns(note.Address, held)
	}
	if err != nil {
		return nil, err
	}
	if err := disjoint(files, note.Pool); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

func portserverRuns(address string, held *lockfile.HeldError) error {
	return fail(exitRunning, fmt.Sprintf("devports portserver status shows what it has handed out; kill %d ends it", held.PID),
		"a port server already listens at %s: pid %d, since %s", address, held.PID, held.Since.Local().Format(time.DateTime))
}

// disjoint makes sure that no port server that runs, but for the one of files,
// has a port of the pool.
func disjoint(files serverFiles, ports string) error {
	pool, err := allocator.ParseSet(ports)
	if err != nil {
		return err
	}
	locks, _ := filepath.Glob(filepath.Join(files.folder, "*.lock")) // fails only for a bad pattern
	for _, lock := range locks {
		held := lockfile.Holder(lock)
		var other serverNote
		if lock == files.lock || held == nil || json.Unmarshal(held.Note, &other) != nil {
			continue
		}
		theirs, err := allocator.ParseSet(other.Pool)
		if common := pool.Intersect(theirs); err == nil && !common.Empty() {
			return fail(exitRunning, fmt.Sprintf("ask that one: export PORTSERVER_ADDRESS=%s; or give this one other ports with --pool", text.QuoteSh(other.Address)),
				"the port server at %s (pid %d) hands out %s, too: one port would go to two processes", other.Address, held.PID, common)
		}
	}
	return nil
}

// handedOutBefore are ports that port servers had handed out before they ended,
// each with the state file that says so.
type handedOutBefore map[int]string

// stoppedServers reads what the servers of other addresses have handed out. Those
// that still run do not matter: their pools are others.
func (s session) stoppedServers(files serverFiles) handedOutBefore {
	states, _ := filepath.Glob(filepath.Join(files.folder, "*.state")) // fails only for a bad pattern
	before := handedOutBefore{}
	for _, state := range states {
		if state == files.state {
			continue
		}
		assignments, err := portserver.ReadState(state)
		if err != nil {
			s.note("%v", err)
		}
		for _, a := range assignments {
			before[a.Port] = state
		}
	}
	return before
}

// contains reports whether the owner of a port that was handed out still lives.
func (h handedOutBefore) contains(port int) bool {
	state, ok := h[port]
	if !ok {
		return false
	}
	assignments, err := portserver.ReadState(state)
	return err != nil || slices.ContainsFunc(assignments, func(a portserver.Assignment) bool { return a.Port == port })
}
