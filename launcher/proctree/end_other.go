//go:build !linux && !darwin

package proctree

import "github.com/devports/devports/allocator/process"

// marked finds nothing: environments are not readable here. On Windows, a job
// object holds the processes.
func (t Tree) marked(Mark) []Process { return nil }

// Resume does nothing: there is no signal to continue a process.
func Resume(process.ID) {}

// killGroups does nothing: there are no process groups.
func killGroups(Tree, []Process) {}
