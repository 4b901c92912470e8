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
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// following is what follows edits of the files that a plan was made from.
type following struct {
	plans <-chan procfile.Plan // every valid new version

	files *watcher.Watcher
	asked chan<- project.Question
	ended <-chan struct{} // closed when no edit is followed any more
	end   context.CancelFunc
}

// follow follows edits of the files that plan was made from. An invalid version
// is reported and changes nothing but the warning of the live view.
func (s session) follow(r project.Run, plan procfile.Plan, own *output.Mux, code *codeWatch, live *view.View) (*following, error) {
	w, err := watcher.New()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	valid, asked, ended := make(chan procfile.Plan), make(chan project.Question), make(chan struct{})
	following := &following{valid, w, asked, ended, cancel}
	f := project.Follower{
		Load:  r.Reload,
		Asked: asked,
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
	code.files = func(ctx context.Context) { _ = following.sync(ctx) }
	code.follow(plan) // before anything starts: no edit is missed
	go func() {
		defer close(ended)
		f.Follow(ctx, w, plan)
	}()
	return following, nil
}

// sync returns once the run has the plan of every edit made before, or ctx ends.
// The error says why the latest is not followed.
func (f *following) sync(ctx context.Context) error {
	err := f.files.Sync(ctx)
	if err != nil && !errors.Is(err, watcher.ErrUnseen) {
		return nil
	}
	answer := make(chan error, 1)
	select {
	case f.asked <- project.Question{Look: err != nil, Answer: answer}:
	case <-f.ended:
		return nil
	case <-ctx.Done():
		return nil
	}
	select {
	case err := <-answer:
		return err
	case <-f.ended:
	case <-ctx.Done():
	}
	return nil
}

// stop ends the following.
func (f *following) stop() {
	f.end()
	f.files.Close()
	select {
	case <-f.ended:
	case <-time.After(closeTimeout):
	}
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

// refusals are why an edit is not followed, for those who ask the run; none
// without an error.
func (s session) refusals(err error) (all []control.Refusal) {
	if err == nil || errors.As(err, new(*project.FileError)) { // a Portfile that is gone asks for nothing
		return nil
	}
	for _, l := range s.explain(err).lines {
		all = append(all, control.Refusal{Text: l.text, Hint: l.hint})
	}
	return all
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
