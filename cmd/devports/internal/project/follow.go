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
}

// Follow watches the files of the running plan, and loads them once for each
// edit, until ctx ends. A valid version becomes the running plan; an invalid one
// changes nothing.
//
// No edit is lost: files are watched before they are loaded. Those that are
// known only from loading (the first plan's, and new ones) are watched then, and
// loaded once more for an edit that came in between.
func (f Follower) Follow(ctx context.Context, w Watcher, running procfile.Plan) {
	watch := func(files []string) {
		if err := w.Watch(files); err != nil {
			f.Unwatched(err)
		}
	}
	watch(running.Watched)
	look := time.After(lookDelay)
	for {
		edited := false
		select {
		case <-w.Changes():
			edited, look = true, nil
		case <-look:
		case <-ctx.Done():
			return
		}
		next, err := f.Load(ctx, running)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.Refuse(err)
			watch(union(running.Watched, next.Watched)) // what is missing may come
		case edited || len(procfile.Diff(running, next)) > 0:
			f.Apply(running, next)
			if !slices.Equal(running.Watched, next.Watched) {
				watch(next.Watched)
				look = time.After(0)
			}
			running = next
		}
	}
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
