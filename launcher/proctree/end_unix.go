//go:build linux || darwin

package proctree

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// Resume continues a process if it is stopped.
func Resume(id process.ID) { _ = id.Signal(unix.SIGCONT) }

// killGroups sends SIGKILL to the process groups whose living members are all in
// found, so that it kills no other process, and never to this process's own group.
// It ends a process that forks and exits over and over: a signal to its PID is
// always too late, but one to the group reaches all current members, and a fork
// happens either before that or not at all.
func killGroups(t Tree, found []Process) {
	ours := make(map[process.ID]bool, len(found))
	groups := map[int]bool{}
	for _, p := range found {
		ours[p.ID] = true
		groups[p.Group] = true
	}
	for _, p := range t.all {
		if groups[p.Group] && !p.Zombie && !ours[p.ID] && p.Alive() {
			delete(groups, p.Group)
		}
	}
	delete(groups, unix.Getpgrp())
	for group := range groups {
		if group > 1 && t.unchanged(group, ours) {
			_ = unix.Kill(-group, unix.SIGKILL)
		}
	}
}

// unchanged reports whether a group is still the one in the snapshot. After all of
// its processes have ended, a later process, and its group, may get the number.
func (t Tree) unchanged(group int, ours map[process.ID]bool) bool {
	leader, err := process.Find(group)
	if errors.Is(err, fs.ErrNotExist) {
		return true // the number is not reused while the group has a member
	}
	then, ok := t.process(group)
	return err == nil && (ours[leader] || ok && then.ID == leader)
}
