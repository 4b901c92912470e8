package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// follow follows edits of the files that plan was made from. Every valid new
// version comes out as a plan; an invalid one is reported and changes nothing but
// the warning of the live view. stop ends it.
func (s session) follow(r project.Run, plan procfile.Plan, own *output.Mux, code *codeWatch, live *view.View) (plans <-chan procfile.Plan, stop func(), err error) {
	w, err := watcher.New()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	valid := make(chan procfile.Plan)
	f := project.Follower{
		Load: r.Reload,
		Apply: func(running, next procfile.Plan) {
			noteUndeclared(r.Selected, running, next, own)
			noteNew(running, next, own)
			live.Warn("")
			code.follow(next)
			select {
			case valid <- next:
			case <-ctx.Done():
			}
		},
		Refuse: func(err error) {
			s.refuse(err, own)
			live.Warn(warning(r.Project.File.Name, err))
		},
		Unwatched: func(err error) {
			own.Say("not all edits will be seen: " + strings.ReplaceAll(err.Error(), "\n", ", "))
		},
	}
	code.follow(plan) // before anything starts: no edit is missed
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Follow(ctx, w, plan)
	}()
	return valid, func() {
		cancel()
		w.Close()
		select {
		case <-ended:
		case <-time.After(closeTimeout):
		}
	}, nil
}

// closeTimeout is how long the end of a run waits for an edit to be read: the
// file system of an env file may hang.
const closeTimeout = time.Second

// refuse says why an edit is not followed.
func (s session) refuse(err error, own *output.Mux) {
	for _, l := range s.explain(err).lines {
		own.Say(l.text)
		if l.hint != "" {
			own.Say("  hint: " + strings.ReplaceAll(l.hint, "\n", "\n  "))
		}
	}
	own.Say("everything keeps running as it was")
}

// warning is a refused edit of a project file, in few words.
func warning(file string, err error) string {
	if errors.As(err, new(procfile.Problems)) {
		return file + " has errors"
	}
	return "the last edit is not followed"
}

// noteNew prints the notes that an edit has brought.
func noteNew(before, after procfile.Plan, own *output.Mux) {
	for _, note := range after.Notes {
		if slices.Contains(before.Notes, note) {
			continue
		}
		own.Say("note: " + note.Error())
		if note.Hint != "" {
			own.Say("  hint: " + note.Hint)
		}
	}
}

// noteUndeclared says which of the services that were asked for are no more.
func noteUndeclared(selected []string, before, after procfile.Plan, own *output.Mux) {
	for _, name := range selected {
		_, had := before.Service(name)
		if _, has := after.Service(name); had && !has {
			own.Say(name + " is not declared any more; up was told to start only " + wording.List(selected))
		}
	}
}
