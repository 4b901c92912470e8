//go:build linux || darwin

package proctree

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// Resume wakes a process if it is stopped.
func Resume(id process.ID) { _ = id.Signal(unix.SIGCONT) }

// killGroups sends SIGKILL to the process groups of which every living member is
// in found, so that nobody else is hit, and never to this process's own. It is
// for the process that forks and exits, over and over: a signal to its PID
// comes too late each time, but one to the group reaches whoever is in it at that
// moment, and a fork happens either before or not at all.
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
		if group > 1 && t.knows(group, ours) {
			_ = unix.Kill(-group, unix.SIGKILL)
		}
	}
}

// knows is false if the number of the group was given to a process that is
// later than the snapshot, and so maybe to a group that is. That takes all of the
// old group to have ended.
func (t Tree) knows(group int, ours map[process.ID]bool) bool {
	leader, err := process.Find(group)
	if errors.Is(err, fs.ErrNotExist) {
		return true // and cannot come back while the group has a member
	}
	then, ok := t.process(group)
	return err == nil && (ours[leader] || ok && then.ID == leader)
}
