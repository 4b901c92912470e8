package main

import (
	"path/filepath"

	"github.com/devports/devports/allocator/ownership"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/setup"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
)

// copyMissing is copyFiles for a command that prepares a checkout, or starts a run
// in the background, whose messages its user does not see.
func (s session) copyMissing(p project.Project) {
	s.notes(s.unseen(s.copyFiles(p), p.File.Dir))
}

// copyFiles copies the files that the project's "copy" names and that are
// missing here from the main checkout. It prints what it has copied, and returns
// notes about the others.
func (s session) copyFiles(p project.Project) procfile.Problems {
	main := p.CopiesFrom()
	if main == "" {
		return nil
	}
	var names []string
	for _, t := range p.File.Copy {
		names = append(names, t.Value)
	}
	all, err := setup.CopyFiles(main, p.File.Dir, names, ownership.NewTrust(p.File.Dir, s.getenv))
	if err != nil {
		s.note("cannot copy files from the main checkout: %v", err)
		return nil
	}
	var copied []string
	var notes procfile.Problems
	for i, c := range all {
		if c.Done {
			copied = append(copied, text.OneLine(c.Name))
		}
		if c.Note != "" {
			notes = append(notes, procfile.Problem{File: p.File.Name, Position: p.File.Copy[i].Pos, Text: text.OneLine(filepath.ToSlash(c.Name) + " " + c.Note), Once: c.Differs})
		}
	}
	if len(copied) > 0 {
		s.note("copied %s from the main checkout in %s", wording.List(copied), text.OneLine(main))
	}
	return notes
}
