package project

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

// firstCheckDelay delays the first check for an edit, so that it does not slow
// down the start of the services.
const firstCheckDelay = 300 * time.Millisecond

// Watcher reports changes of files: see package launcher/watcher.
type Watcher interface {
	Watch(files []string) error
	Changes() <-chan struct{}
}

// Follower follows edits of the files of a plan. Its functions are not called
// concurrently.
type Follower struct {
	// Load loads a plan from the files as they are now. A plan that comes with
	// an error still has the files to watch.
	Load func(ctx context.Context, running procfile.Plan) (procfile.Plan, error)

	Apply     func(running, next procfile.Plan) // replaces the running plan
	Refuse    func(err error)                   // reports an edit that is not applied
	Unwatched func(err error)                   // reports files that cannot be watched

	// Questions, unless nil, has questions that Follow answers once it has
	// handled all earlier changes from the Watcher.
	Questions <-chan Question
}

// Question asks a Follower whether it has applied the latest edit.
type Question struct {
	Check  bool         // there may be an edit that the Watcher has not reported
	Answer chan<- error // receives why it was not applied, or nil; it must have room for one
}

// Follow watches the files of the running plan, and loads them once for each
// edit, until ctx ends. A valid version becomes the running plan; an invalid
// one changes nothing.
//
// No edit is lost, because files are watched before they are loaded. The files
// of the running plan were not, so they are loaded once without an edit. Files
// that an edit adds are watched, and then everything is loaded again. What a check
// for an edit finds is reported once, although the Watcher reports it afterwards.
func (f Follower) Follow(ctx context.Context, w Watcher, running procfile.Plan) {
	var watched []string
	watch := func(files []string) {
		watched = files
		if err := w.Watch(files); err != nil && ctx.Err() == nil {
			f.Unwatched(err)
		}
	}
	load := func() (procfile.Plan, error) {
		for {
			next, err := f.Load(ctx, running)
			files := next.Watched
			if err != nil {
				files = union(running.Watched, next.Watched) // a missing file may appear
			}
			complete := len(union(watched, files)) == len(watched)
			if !slices.Equal(files, watched) {
				watch(files)
			}
			if complete || ctx.Err() != nil {
				return next, err
			}
		}
	}

	watch(running.Watched)
	var refused error
	early := false // a check has handled an edit that the Watcher may still report
	follow := func(edited bool) {
		next, err := load()
		if ctx.Err() != nil {
			return
		}
		before, handled := refused, edited && early
		if edited {
			early = false
		}
		switch refused = err; {
		case err != nil && (!edited || handled) && before != nil && before.Error() == err.Error():
		case err != nil:
			early = !edited
			f.Refuse(err)
		case handled && before == nil && unchanged(running, next):
		case edited || before != nil || len(procfile.Diff(running, next)) > 0:
			early = !edited
			f.Apply(running, next)
			running = next
		}
	}
	check := time.After(firstCheckDelay)
	for ctx.Err() == nil {
		select {
		case <-w.Changes():
			check = nil
			follow(true)
		case <-check:
			check = nil
			follow(false)
		case question := <-f.Questions:
			// The Watcher does not report edits from before it watched, and the
			// reason why an edit was refused, such as a taken port, may no
			// longer exist.
			if question.Check || check != nil || refused != nil {
				check = nil
				follow(false)
			}
			question.Answer <- refused
		case <-ctx.Done():
		}
	}
}

// unchanged reports whether a plan is the one that runs. Notes are about the
// difference.
func unchanged(running, next procfile.Plan) bool {
	running.Notes, next.Notes = nil, nil
	return reflect.DeepEqual(running, next)
}

// union returns a with the elements of b that it lacks.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
