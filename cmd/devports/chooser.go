package main

import (
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
	if left, widened := pool.Widened(); widened {
		s.note("the usual rules leave only %d ports of the range on this machine: others are chosen from, too", left)
	}
	return pool, nil
}
