package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// startUp is how long the first look at the files waits, so that it does not
// hold up the start of the services.
const startUp = 300 * time.Millisecond

// follow watches the files that plan was made from. Every valid new version
// comes out as a plan; an invalid one is reported and changes nothing. stop
// ends it.
func (r runner) follow(plan procfile.Plan, own *output.Mux, code *codeWatch) (plans <-chan procfile.Plan, stop func(), err error) {
	w, err := watcher.New()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	valid := make(chan procfile.Plan)
	var loop sync.WaitGroup
	loop.Go(func() {
		for edited, first := false, true; ; first = false {
			if err := w.Watch(plan.Watched); err != nil {
				own.Say("not all edits will be seen: " + strings.ReplaceAll(err.Error(), "\n", ", "))
			}
			if first {
				select {
				case <-w.Changes():
					edited = true
				case <-time.After(startUp):
				case <-ctx.Done():
					return
				}
			}
			code.follow(plan)
			// Without an edit, this is for one that came before anybody watched.
			next, err := r.reload(ctx, plan)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				r.refuse(err, own)
			case edited || len(procfile.Diff(plan, next)) > 0:
				r.noteUndeclared(plan, next, own)
				more := !slices.Equal(plan.Watched, next.Watched)
				plan = next
				code.follow(plan)
				select {
				case valid <- plan:
				case <-ctx.Done():
					return
				}
				if more {
					edited = false
					continue
				}
			}
			select {
			case <-w.Changes():
				edited = true
			case <-ctx.Done():
				return
			}
		}
	})
	return valid, func() {
		cancel()
		w.Close()
		loop.Wait()
	}, nil
}

// refuse says why an edit is not followed.
func (r runner) refuse(err error, own *output.Mux) {
	for _, l := range r.session.explain(err).lines {
		own.Say(l.text)
		if l.hint != "" {
			own.Say("  hint: " + strings.ReplaceAll(l.hint, "\n", "\n  "))
		}
	}
	own.Say("everything keeps running as it was")
}

// noteUndeclared says which of the services that were asked for are no more.
func (r runner) noteUndeclared(before, after procfile.Plan, own *output.Mux) {
	for _, name := range r.selected {
		_, had := before.Service(name)
		if _, has := after.Service(name); had && !has {
			own.Say(name + " is not declared any more; up was told to start only " + list(r.selected))
		}
	}
}

// reload makes a plan of the files as they are now. A Portfile that came from
// standard input stays as it was; its env files may have changed.
func (r runner) reload(ctx context.Context, running procfile.Plan) (procfile.Plan, error) {
	if r.file.Path != "" {
		var err error
		if r.project, err = r.project.reread(); err != nil {
			return procfile.Plan{}, err
		}
	}
	if _, err := r.check(); err != nil {
		return procfile.Plan{}, err
	}
	plan, _, err := r.prepare(ctx, running)
	return plan, err
}
