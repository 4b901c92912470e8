package main

import (
	"context"
	"strings"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// follow watches the files that plan was made from. Every valid new version
// comes out as a plan; an invalid one is reported and changes nothing. stop
// ends it.
func (r runner) follow(plan procfile.Plan, own *output.Mux) (plans <-chan procfile.Plan, stop func(), err error) {
	w, err := watcher.New()
	if err != nil {
		return nil, nil, err
	}
	watch := func(files []string) {
		if err := w.Watch(files); err != nil {
			own.Say("not all edits will be seen: " + strings.ReplaceAll(err.Error(), "\n", ", "))
		}
	}
	watch(plan.Watched)
	ctx, cancel := context.WithCancel(context.Background())
	valid := make(chan procfile.Plan)
	go func() {
		for {
			select {
			case <-w.Changes():
			case <-ctx.Done():
				return
			}
			next, err := r.reload(ctx, plan)
			if err != nil {
				for _, l := range r.session.explain(err).lines {
					own.Say(l.text)
					if l.hint != "" {
						own.Say("  hint: " + strings.ReplaceAll(l.hint, "\n", "\n  "))
					}
				}
				own.Say("everything keeps running as it was")
				continue
			}
			for _, name := range r.selected {
				_, had := plan.Service(name)
				if _, has := next.Service(name); had && !has {
					own.Say(name + " is not declared any more; up was told to start only " + list(r.selected))
				}
			}
			plan = next
			watch(plan.Watched)
			select {
			case valid <- plan:
			case <-ctx.Done():
				return
			}
		}
	}()
	return valid, func() { cancel(); w.Close() }, nil
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
