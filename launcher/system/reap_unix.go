//go:build unix

package system

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// reap reaps all dead children, spawned or adopted.
func (s *processSet) reap() {
	s.spawning.Lock()
	exits := map[chan Exit]Exit{}
	deliver := func(pid int, exit Exit) {
		if exitCh, ok := s.children.LoadAndDelete(pid); ok {
			exits[exitCh.(chan Exit)] = exit
		}
	}
	if !s.dedicated || !waitForAny(deliver) {
		s.waitForChildren(deliver)
	}
	// Only now: orphans of the dead were reparented to this process before the
	// dead could be reaped.
	orphans, err := s.adopted()
	switch {
	case err != nil:
		s.waitForGroups(deliver)
	case !s.dedicated:
		orphans = slices.DeleteFunc(orphans, func(pid int) bool {
			// Another part of the program waits for its own children. A zombie
			// has neither tag nor environment, but what services start is in
			// other process groups. A child that leads a group of its own
			// cannot be distinguished from an orphan.
			stat, err := process.ReadStat(pid)
			if err != nil || stat.Group == unix.Getpgrp() {
				return false
			}
			got, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil)
			return got == pid
		})
	}
	s.mu.Lock()
	s.watchdog.update(s.orphans, slices.DeleteFunc(slices.Clone(orphans), func(pid int) bool { return !s.owns(pid) }))
	s.orphans = orphans
	s.mu.Unlock()
	s.spawning.Unlock()
	for exitCh, exit := range exits {
		exitCh <- exit
	}
}

// waitForChildren reaps the dead among the processes that were spawned.
func (s *processSet) waitForChildren(deliver func(int, Exit)) {
	s.children.Range(func(pid, _ any) bool {
		var status unix.WaitStatus
		switch got, err := unix.Wait4(pid.(int), &status, unix.WNOHANG, nil); {
		case err != nil && err != unix.EINTR: // another part of the program has reaped it
			deliver(pid.(int), Exit{Status: 126, Err: fmt.Errorf("waiting for it: %w", err)})
		case got > 0:
			deliver(got, exitOf(status))
		}
		return true
	})
}

// waitForGroups reaps the dead of each group, where the children of a process
// cannot be listed: unreaped, they would keep the group alive.
func (s *processSet) waitForGroups(deliver func(int, Exit)) {
	s.groups.Range(func(group, _ any) bool {
		waitFor(-group.(int), deliver)
		return true
	})
}

// waitFor reaps the dead among some children: the pid argument of wait4(2).
func waitFor(children int, deliver func(int, Exit)) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(children, &status, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case got <= 0 || err != nil:
			return
		default:
			deliver(got, exitOf(status))
		}
	}
}

func exitOf(status unix.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{
			Status: 128 + int(status.Signal()),
			Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"),
		}
	}
	return Exit{Status: status.ExitStatus()}
}
