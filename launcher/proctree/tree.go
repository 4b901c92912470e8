package proctree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Tree is a snapshot of all processes visible to this one. The zero value is
// empty.
type Tree struct {
	all []Process
	// index maps each PID to its index in all, or to -1 if the process was gone
	// before it could be read.
	index map[int]int
}

// Snapshot lists the processes. They keep running meanwhile: a process that lives
// throughout the call is in the snapshot. On Linux, so is one process of a chain in
// which each starts the next and exits, unless the PIDs wrap around during the
// call.
func Snapshot() (Tree, error) {
	t, err := snapshot()
	if err != nil {
		return Tree{}, fmt.Errorf("listing the processes: %w", err)
	}
	return t, nil
}

// Below returns all descendants of the roots, parents before their children,
// without the roots and without zombies. An orphan is a descendant of the process
// that has adopted it.
func (t Tree) Below(pids ...int) []Process {
	var found []Process
	children, seen := t.children(), map[int]bool{}
	for _, pid := range pids {
		seen[pid] = true
	}
	for queue := slices.Clone(pids); len(queue) > 0; queue = queue[1:] {
		for _, p := range children[queue[0]] {
			if seen[p.PID] {
				continue
			}
			seen[p.PID] = true
			queue = append(queue, p.PID)
			if !p.Zombie {
				found = append(found, p)
			}
		}
	}
	return found
}

// Walk visits the roots and all their descendants, each once, parents before their
// children, without zombies. If visit returns false for a process, Walk skips its
// descendants, even a root among them.
func (t Tree) Walk(visit func(Process) (descend bool), roots ...Process) {
	among := map[int]bool{}
	for _, p := range roots {
		among[p.PID] = true
	}
	queue := slices.DeleteFunc(slices.Clone(roots), func(p Process) bool { return t.hasAncestor(p, among) })
	children, seen := t.children(), map[int]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if seen[p.PID] {
			continue
		}
		seen[p.PID] = true
		if p.Zombie || visit(p) {
			queue = append(queue, children[p.PID]...)
		}
	}
}

func (t Tree) children() map[int][]Process {
	children := map[int][]Process{}
	for _, p := range t.all {
		if t.isParent(p) {
			children[p.Parent] = append(children[p.Parent], p)
		}
	}
	return children
}

func (t Tree) hasAncestor(p Process, among map[int]bool) bool {
	for range t.all { // a snapshot of changing processes may contain a cycle
		parent, ok := t.process(p.Parent)
		if !ok || !t.isParent(p) {
			return false
		}
		if among[parent.PID] {
			return true
		}
		p = parent
	}
	return false
}

// Where returns the processes that match, without zombies.
func (t Tree) Where(match func(Process) bool) []Process {
	var found []Process
	for _, p := range t.all {
		if !p.Zombie && match(p) {
			found = append(found, p)
		}
	}
	return found
}

// isParent reports whether the process with the PID of p's parent is that parent,
// and no later process with a reused PID, as happens on Windows, where orphans are
// not adopted.
func (t Tree) isParent(p Process) bool {
	parent, ok := t.process(p.Parent)
	return !ok || parent.Start <= p.Start
}

// Marked returns the marked processes, without zombies: those with a tag of the
// run, and those without a tag that were started with exactly the variable.
// Processes inherit both. Marked does not find a process without a tag whose
// environment is not readable, and none on Windows. It reads tags and environments
// now: for a process that has ended since the snapshot, it returns the processes
// that one has started.
func (t Tree) Marked(m Mark) []Process {
	if !strings.Contains(m.Variable, "=") {
		return nil
	}
	return t.marked(m)
}

func (t Tree) process(pid int) (Process, bool) {
	i, ok := t.index[pid]
	if !ok || i < 0 {
		return Process{}, false
	}
	return t.all[i], true
}

// newTree returns the tree for systems that list all processes in one call.
func newTree(all []Process) Tree {
	t := Tree{all: all, index: make(map[int]int, len(all))}
	for i, p := range all {
		t.index[p.PID] = i
	}
	return t
}

// childrenOf returns the PIDs of the children of pid, or fs.ErrNotExist if there is
// no such process.
func (t Tree) childrenOf(pid int) ([]int, error) {
	if _, ok := t.process(pid); !ok {
		return nil, fs.ErrNotExist
	}
	var pids []int
	for _, p := range t.all {
		if p.Parent == pid && t.isParent(p) {
			pids = append(pids, p.PID)
		}
	}
	return pids, nil
}

func childrenBySnapshot(pid int) ([]int, error) {
	t, err := Snapshot()
	if err != nil {
		return nil, err
	}
	return t.childrenOf(pid)
}
