package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// planFollower delivers new plans when the project's files are edited.
type planFollower struct {
	plans <-chan procfile.Plan // every valid new version

	files     *watcher.Watcher
	questions chan<- project.Question
	done      <-chan struct{} // closed when no more plans come
	cancel    context.CancelFunc
}

// follow watches the files that plan was made from. An invalid version is
// reported, and changes only the warning in live views. applies is called before a
// plan is delivered.
func (s session) follow(r project.Run, plan procfile.Plan, own *output.Mux, code *codeWatch, warn func(string), applies func(procfile.Plan)) (*planFollower, error) {
	w, err := watcher.New()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	valid, questions, done := make(chan procfile.Plan), make(chan project.Question), make(chan struct{})
	follower := &planFollower{valid, w, questions, done, cancel}
	f := project.Follower{
		Load:      r.Reload,
		Questions: questions,
		Apply: func(running, next procfile.Plan) {
			noteUndeclared(r.Selected, running, next, own)
			noteNew(running, next, own)
			warn("")
			code.follow(next)
			applies(next)
			select {
			case valid <- next:
			case <-ctx.Done():
			}
		},
		Refuse: func(err error) {
			s.reportRefused(err, own)
			warn(warning(r.Project.File.Name, err))
		},
		Unwatched: func(err error) {
			own.Say("not watching all files: " + strings.ReplaceAll(err.Error(), "\n", ", "))
		},
	}
	code.syncFiles = func(ctx context.Context) { _ = follower.sync(ctx) }
	code.follow(plan) // before the services start, so that no edit is missed
	go func() {
		defer close(done)
		f.Follow(ctx, w, plan)
	}()
	return follower, nil
}

// sync returns once the run has the plan of every earlier edit, or ctx ends.
// The error is why the latest edit was not applied.
func (f *planFollower) sync(ctx context.Context) error {
	err := f.files.Sync(ctx)
	if err != nil && !errors.Is(err, watcher.ErrUnseen) {
		return nil
	}
	answer := make(chan error, 1)
	select {
	case f.questions <- project.Question{Check: err != nil, Answer: answer}:
	case <-f.done:
		return nil
	case <-ctx.Done():
		return nil
	}
	select {
	case err := <-answer:
		return err
	case <-f.done:
	case <-ctx.Done():
	}
	return nil
}

// stop stops watching.
func (f *planFollower) stop() {
	f.cancel()
	f.files.Close()
	select {
	case <-f.done:
	case <-time.After(closeTimeout):
	}
}

// closeTimeout bounds how long the end of a run waits while an edit is being
// read: the file system of an env file may hang.
const closeTimeout = time.Second

// reportRefused prints why an edit was not applied.
func (s session) reportRefused(err error, own *output.Mux) {
	for _, l := range s.describe(err).lines {
		own.Say(l.text)
		if l.hint != "" {
			own.Say("  hint: " + strings.ReplaceAll(l.hint, "\n", "\n  "))
		}
	}
	own.Say(editRefused)
}

// refusals converts the error of an edit for clients of the run; nil if there
// is no error.
func (s session) refusals(err error) (all []control.Refusal) {
	if err == nil || errors.As(err, new(*project.FileError)) { // a deleted Portfile asks for nothing
		return nil
	}
	for _, l := range s.describe(err).lines {
		all = append(all, control.Refusal{Text: l.text, Hint: l.hint})
	}
	return all
}

// warning is the live view's warning about a refused edit.
func warning(file string, err error) string {
	if errors.As(err, new(procfile.Problems)) {
		return file + " has errors"
	}
	return "edit not applied"
}

// noteNew prints the notes that a new plan has and the previous one has not.
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

// noteUndeclared prints which of the selected services an edit has removed.
func noteUndeclared(selected []string, before, after procfile.Plan, own *output.Mux) {
	for _, name := range selected {
		_, had := before.Service(name)
		if _, has := after.Service(name); had && !has {
			own.Say(name + " is no longer declared; this run starts only " + wording.List(selected))
		}
	}
}
