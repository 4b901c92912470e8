package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/portserver"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/registry"
)

// serverFiles are the files of the port server at one address. The directory is
// shared by all port servers of this user.
type serverFiles struct{ directory, lock, state string }

// portserverFiles returns the files of the server at an address, and the
// address, as an absolute path if it is a file.
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
	directory := filepath.Join(home, "portserver")
	stem := filepath.Join(directory, fmt.Sprintf("%016x", h.Sum64()))
	return address, serverFiles{directory, stem + ".lock", stem + ".state"}, nil
}

// assignedPorts are the ports that any port server of this user has assigned, the
// one that DEVPORTS_FRONT has for the front, and those of points. They look free
// until their owners listen.
func (s session) assignedPorts() map[int]bool {
	ports := map[int]bool{}
	if port, off, err := s.frontSetting(); err == nil && !off {
		ports[port] = true
	}
	for _, p := range s.points() {
		ports[p.Port] = true
	}
	home, err := registry.Home(s.getenv)
	if err != nil {
		return ports
	}
	for _, state := range filesIn(filepath.Join(home, "portserver"), "*.state") {
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

// serverNote is the note in the lock of a port server.
type serverNote struct {
	Address string `json:"address"`
	Pool    string `json:"pool"` // for allocator.ParseSet
}

// claimTimeout is how long a port server waits while others start.
const claimTimeout = 10 * time.Second

// claimPool makes this process the only port server at its address, and the
// only one of this user with the ports of its pool, because each server knows
// only its own assignments. release gives up the claim.
func claimPool(ctx context.Context, files serverFiles, note serverNote) (release func() error, err error) {
	// Two servers that start at the same time would not see each other's claim.
	started, err := lockfile.Acquire(ctx, filepath.Join(files.directory, "starting"), claimTimeout)
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
	return fail(exitRunning, fmt.Sprintf("devports portserver status lists its assignments, %s stops it", wording.Kill(held.PID)),
		"a port server is already listening at %s: pid %d, since %s", address, held.PID, held.Since.Local().Format(time.DateTime))
}

// disjoint returns an error if another running port server has a port of the
// pool.
func disjoint(files serverFiles, ports string) error {
	pool, err := allocator.ParseSet(ports)
	if err != nil {
		return err
	}
	for _, lock := range filesIn(files.directory, "*.lock") {
		held := lockfile.Holder(lock)
		var other serverNote
		if lock == files.lock || held == nil || json.Unmarshal(held.Note, &other) != nil {
			continue
		}
		theirs, err := allocator.ParseSet(other.Pool)
		if common := pool.Intersect(theirs); err == nil && !common.Empty() {
			return fail(exitRunning, fmt.Sprintf("use that server with export PORTSERVER_ADDRESS=%s, or start this one with other ports: --pool RANGES", text.QuoteSh(other.Address)),
				"the pool overlaps with the port server at %s (pid %d): both have %s", other.Address, held.PID, common)
		}
	}
	return nil
}

// oldAssignments are ports that servers at other addresses have assigned, each
// with its state file.
type oldAssignments map[int]string

// stoppedServers reads the assignments of servers at other addresses. Those of
// running servers do not matter, as their pools do not overlap.
func (s session) stoppedServers(files serverFiles) oldAssignments {
	before := oldAssignments{}
	for _, state := range filesIn(files.directory, "*.state") {
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

// contains reports whether a port is still assigned to a live process.
func (o oldAssignments) contains(port int) bool {
	state, ok := o[port]
	if !ok {
		return false
	}
	assignments, err := portserver.ReadState(state)
	return err != nil || slices.ContainsFunc(assignments, func(a portserver.Assignment) bool { return a.Port == port })
}

// filesIn returns the paths of the files in a directory, whose own name may have
// characters of patterns, that match a valid pattern.
func filesIn(directory, pattern string) (paths []string) {
	names, _ := fs.Glob(os.DirFS(directory), pattern)
	for _, name := range names {
		paths = append(paths, filepath.Join(directory, name))
	}
	return paths
}
