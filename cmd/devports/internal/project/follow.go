package project

import (
	"context"
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

// lookDelay is how long the first look for an edit waits, so that it does not
// hold up the start of the services.
const lookDelay = 300 * time.Millisecond

// Watcher delivers changes of files: see package launcher/watcher.
type Watcher interface {
	Watch(files []string) error
	Changes() <-chan struct{}
}

// Follower follows edits of the files that a plan was made from. Its functions
// are called one at a time.
type Follower struct {
	// Load makes a plan of the files as they are now. A plan that comes with an
	// error says at least what to watch.
	Load func(ctx context.Context, running procfile.Plan) (procfile.Plan, error)

	Apply     func(running, next procfile.Plan) // has next follow the running plan
	Refuse    func(err error)                   // an edit is not followed
	Unwatched func(err error)                   // some of the files cannot be watched

	// Asked, unless nil, has questions that Follow answers once it has dealt with
	// what it has taken from the Watcher before.
	Asked <-chan Question
}

// Question asks a Follower whether it follows the latest edit.
type Question struct {
	Look   bool         // there may have been an edit that the Watcher has not reported
	Answer chan<- error // why it does not; nil: it does. It must have room for one
}

// Follow watches the files of the running plan, and loads them once for each
// edit, until ctx ends. A valid version becomes the running plan; an invalid one
// changes nothing.
//
// No edit is lost, for files are watched before they are loaded. The running
// plan's were not: they are loaded once without an edit. Files that only an edit
// names are watched then, and all is loaded again.
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
				files = union(running.Watched, next.Watched) // one that is missing may come
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
	follow := func(edited bool) {
		next, err := load()
		if ctx.Err() != nil {
			return
		}
		before := refused
		switch refused = err; {
		case err != nil && !edited && before != nil && before.Error() == err.Error():
		case err != nil:
			f.Refuse(err)
		case edited || before != nil || len(procfile.Diff(running, next)) > 0:
			f.Apply(running, next)
			running = next
		}
	}
	look := time.After(lookDelay)
	for ctx.Err() == nil {
		select {
		case <-w.Changes():
			look = nil
			follow(true)
		case <-look:
			look = nil
			follow(false)
		case question := <-f.Asked:
			// The Watcher does not report an edit made before it watched, and what was in
			// the way of one, such as a port, may be so no more.
			if question.Look || look != nil || refused != nil {
				look = nil
				follow(false)
			}
			question.Answer <- refused
		case <-ctx.Done():
		}
	}
}

// union is a, and what b has beside it.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
