package proctree

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Tree is a snapshot of all processes that this one can see. The zero value has no
// process.
type Tree struct {
	all []Process
	// index has the place in all of each PID, and -1 for one that was gone
	// before anything could be read of it.
	index map[int]int
}

// Snapshot reads what processes there are. They go on while they are being
// read: one that lives throughout is in the snapshot. On Linux, so is one of a chain
// in which each process starts the next and ends, unless the PIDs just then begin
// again from the lowest.
func Snapshot() (Tree, error) {
	t, err := snapshot()
	if err != nil {
		return Tree{}, fmt.Errorf("listing the processes: %w", err)
	}
	return t, nil
}

// Below returns all descendants of the roots, parents before their children,
// without the roots and without zombies. What has lost its parent is a descendant
// of the process that has adopted it.
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

// Walk visits the roots and all that is below them, each once, parents before
// their children and without zombies. What is below a process of which visit
// returns false is left out, also a root.
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
	for range t.all { // a tree in motion may have a circle
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

// isParent is false where the PID of p's parent was given to a later process, as
// happens on Windows, where nobody adopts.
func (t Tree) isParent(p Process) bool {
	parent, ok := t.process(p.Parent)
	return !ok || parent.Start <= p.Start
}

// Marked returns the processes that bear the mark, without zombies: those that
// have a tag of the run, and those without any tag that were started with exactly
// the variable. A process passes both on to those that it starts. A process whose
// environment is not readable, and that has no tag, is not found: on Windows, none
// is. Both are read now: of a process that has ended since the snapshot, it
// returns those that it has started.
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

// newTree serves the systems that tell of all processes at one go.
func newTree(all []Process) Tree {
	t := Tree{all: all, index: make(map[int]int, len(all))}
	for i, p := range all {
		t.index[p.PID] = i
	}
	return t
}

// childrenOf returns fs.ErrNotExist if there is no such process.
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
