package proctree

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/devports/devports/allocator/process"
)

// Mark identifies the processes of a run: by their tag if they have one, of this or
// another run, otherwise by the environment they were started with, which some
// programs overwrite. The launcher of the run and its watchdog are not marked. A
// launcher that a service of the run has started is, by its environment.
type Mark struct {
	Variable string // NAME=value
	Run      process.Tag
}

// On reports whether a process is marked.
func (m Mark) On(pid int) bool {
	on, _ := m.on(pid, func() (bool, error) {
		environ, err := process.Environ(pid)
		return slices.Contains(environ, m.Variable), err
	})
	return on
}

// on reports whether a process is marked. It calls environ, which reports whether
// the environment contains the variable, only for a process without a tag. The
// error wraps fs.ErrNotExist if the process has ended.
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
