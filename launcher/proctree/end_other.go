//go:build !linux && !darwin

package proctree

import "github.com/devports/devports/allocator/process"

// marked has nothing to read. On Windows, a job object keeps processes together.
func (t Tree) marked(Mark) []Process { return nil }

func Resume(process.ID) {}

// killGroups does nothing: there are no process groups in this sense.
func killGroups(Tree, []Process) {}
