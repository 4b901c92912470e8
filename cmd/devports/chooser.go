package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/registry"
)

// chooser chooses ports that nothing on this machine wants.
func (s session) chooser(allow allocator.Set) registry.Chooser {
	var pool *allocator.Pool // made when the first port is chosen
	var handedOut map[int]bool
	var free func(port int) (bool, error)
	return func(scope registry.Scope, n allocator.PortName, usable func(int) bool) (int, error) {
		if pool == nil {
			made, err := s.pool(allow)
			if err != nil {
				return 0, err
			}
			pool, handedOut, free = &made, s.handedOutPorts(), allocator.Prober()
		}
		var unsure error
		port, err := pool.Choose(
			allocator.Key{Project: scope.Project, Worktree: scope.Worktree, PortName: n},
			func(port int) bool {
				if !usable(port) || handedOut[port] || unsure != nil {
					return false
				}
				isFree, err := free(port)
				if err != nil {
					unsure = err
				}
				return isFree
			})
		if unsure != nil {
			return 0, unsure
		}
		return port, err
	}
}

// pool is where ports are chosen from. DEVPORTS_RANGE beats the Portfile, as
// the environment always does.
func (s session) pool(allow allocator.Set) (allocator.Pool, error) {
	if own := s.getenv(envvar.Range); own != "" {
		set, err := allocator.ParseSet(own)
		if err != nil {
			return allocator.Pool{}, usage("DEVPORTS_RANGE=20000-29999", "DEVPORTS_RANGE is not a range of ports: %v", err)
		}
		allow = set
	}
	local, err := allocator.LocalPorts()
	if err != nil {
		s.note("%v", err)
	}
	pool := allocator.NewPool(allow, local)
	left, widened := pool.Widened()
	if widened && s.firstOf(fmt.Sprintf("%d ports of %q beside %q, %q, %q", left, allow, local.Ephemeral, local.Reserved, local.Excluded)) {
		s.note("the usual rules leave only %d ports of the range on this machine: others are chosen from, too", left)
	}
	return pool, nil
}

// firstOf reports whether what it is given has not been noted yet, and remembers
// that it has been: a note about this machine's ranges is news once. Where that
// cannot be remembered, it always is.
func (s session) firstOf(fact string) bool {
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

// maxNoted is how many facts are remembered: each range of each project may be one.
const maxNoted = 100
