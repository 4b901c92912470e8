package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// chooser returns a function that chooses ports which are unlikely to be used
// by anything else on this machine.
func (s session) chooser(allow allocator.Set) registry.Chooser {
	var pool *allocator.Pool // made when the first port is chosen
	var assigned map[int]bool
	var free func(port int) (bool, error)
	return func(scope registry.Scope, n allocator.PortName, usable func(int) bool) (int, error) {
		if pool == nil {
			made, err := s.pool(allow)
			if err != nil {
				return 0, err
			}
			pool, assigned, free = &made, s.assignedPorts(), allocator.Prober()
		}
		var probeErr error
		port, err := pool.Choose(
			allocator.Key{Project: scope.Project, Worktree: scope.Worktree, PortName: n},
			func(port int) bool {
				if !usable(port) || assigned[port] || probeErr != nil {
					return false
				}
				isFree, err := free(port)
				if err != nil {
					probeErr = err
				}
				return isFree
			})
		if probeErr != nil {
			return 0, probeErr
		}
		return port, err
	}
}

// pool returns the ports to choose from. DEVPORTS_RANGE overrides the
// Portfile's range.
func (s session) pool(allow allocator.Set) (allocator.Pool, error) {
	if own := s.getenv(envvar.Range); own != "" {
		set, err := allocator.ParseSet(own)
		if err != nil {
			return allocator.Pool{}, usage("DEVPORTS_RANGE=20000-29999", "invalid DEVPORTS_RANGE: %v", err)
		}
		allow = set
	}
	local, err := allocator.LocalPorts()
	if err != nil {
		s.note("%v", err)
	}
	pool := allocator.NewPool(allow, local)
	left, cause := pool.Widened()
	if cause != allocator.NoCause && s.isNew(fmt.Sprintf("%d ports of %q beside %q, %q, %q", left, allow, local.Ephemeral, local.Reserved, local.Excluded)) {
		s.note("%s; using others too (devports doctor explains)", wording.Shortage(left, cause, allow.String(), local))
	}
	return pool, nil
}

// isNew reports whether a fact, about this machine's port ranges or a project,
// has not been noted before, and records it, so that the user sees each note
// once. If it cannot be recorded, the fact is always new.
func (s session) isNew(fact string) bool {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return true
	}
	path := filepath.Join(home, "noted")
	text, _ := os.ReadFile(path)
	noted := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if slices.Contains(noted, fact) {
		return false
	}
	noted = append(noted[max(0, len(noted)-maxNoted+1):], fact)
	_ = os.WriteFile(path, []byte(strings.TrimPrefix(strings.Join(noted, "\n"), "\n")+"\n"), 0o600)
	return true
}

// unseen returns the notes without those that are printed once and were printed
// before for the project in dir.
func (s session) unseen(notes procfile.Problems, dir string) (unseen procfile.Problems) {
	for _, n := range notes {
		if !n.Once || s.isNew(fmt.Sprintf("%q in %q", n.Error(), dir)) {
			unseen = append(unseen, n)
		}
	}
	return unseen
}

// maxNoted is how many facts are recorded: there may be one for each range of
// each project.
const maxNoted = 100
