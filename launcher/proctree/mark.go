package proctree

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/devports/devports/allocator/process"
)

// Mark is what the processes of a run are recognized by: the tag where a process
// has one, of whichever run, and else the environment that it was started with,
// which some programs overwrite. The launcher of a run and its watchdog do not
// bear it; a launcher that a service of the run has started, for a run of its own,
// is recognized by its environment.
type Mark struct {
	Variable string // NAME=value
	Run      process.Tag
}

// On reports whether a process bears the mark.
func (m Mark) On(pid int) bool {
	on, _ := m.on(pid, func() (bool, error) {
		environ, err := process.Environ(pid)
		return slices.Contains(environ, m.Variable), err
	})
	return on
}

// on calls environ, which reports whether the environment has the variable, only
// for a process without a tag. The error wraps fs.ErrNotExist if the process has
// ended.
func (m Mark) on(pid int, environ func() (bool, error)) (bool, error) {
	if m.Run != 0 {
		tag, err := process.TagOf(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, err
		case tag != 0 && tag.SameRun(m.Run), tag.HasService():
			return tag.SameRun(m.Run) && tag.HasService(), nil
		}
	}
	return environ()
}
