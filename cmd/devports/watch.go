package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
)

// codeWatch restarts services when files that they watch change. Create one
// with [newCodeWatch].
type codeWatch struct {
	root   string
	run    *launcher.Controller
	own    *output.Mux  // for devports' own lines
	causes *buildCauses // receives the changes that start a build

	// syncFiles applies edits of the project's files first, so that an edit of
	// both is one restart. It returns when ctx ends.
	syncFiles func(ctx context.Context)

	// changed reports whether the content of the files of a step differs from
	// that after its latest run.
	changed func(step procfile.Process) bool

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	loops  sync.WaitGroup

	mu       sync.Mutex                  // guards the fields below
	patterns map[string][]string         // by service
	builds   map[string]bool             // the services that have a build
	steps    map[string]procfile.Process // of the setup
	tree     *codeTree                   // nil if there are no patterns, or they cannot be watched
	retired  []*codeTree                 // earlier ones, until their changes are handled
}

// codeTree is a watcher of code with the loop that handles its changes.
type codeTree struct {
	*watcher.TreeWatcher
	requests chan syncRequest
	ctx      context.Context // ends the loop
	cancel   context.CancelFunc
	done     chan struct{} // closed when the loop has ended
}

// syncRequest is answered by the loop once it has handled all earlier changes.
type syncRequest struct {
	urgent bool                     // delayed restarts happen now
	answer chan<- map[string]string // has room for one: the services whose restart is delayed, and why
}

func newCodeWatch(root string, run *launcher.Controller, own *output.Mux, causes *buildCauses) *codeWatch {
	w := &codeWatch{root: root, run: run, own: own, causes: causes, syncFiles: func(context.Context) {}, changed: func(procfile.Process) bool { return true }}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// follow watches the files that the services of a plan name, and no others.
func (w *codeWatch) follow(plan procfile.Plan) {
	patterns := plan.Patterns()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.builds, w.steps = map[string]bool{}, map[string]procfile.Process{}
	for _, p := range plan.Services {
		w.builds[p.Service] = !p.Build.IsZero()
		if p.Setup != nil {
			w.steps[p.Service] = p
		}
	}
	if w.ctx.Err() != nil || maps.EqualFunc(patterns, w.patterns, slices.Equal) {
		return
	}
	w.patterns = patterns
	before := w.tree
	w.tree = nil
	if len(patterns) > 0 {
		w.watch(patterns, plan)
	}
	if before != nil { // after the new one has started, so that no edit is missed
		w.retired = append(w.retired, before)
		w.loops.Go(func() { w.retire(before) })
	}
}

// watch starts to watch.
func (w *codeWatch) watch(patterns map[string][]string, plan procfile.Plan) {
	code, err := watcher.NewTree(w.root, patterns)
	if err != nil {
		w.own.Say("not watching code: " + err.Error())
		return
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.tree = &codeTree{code, make(chan syncRequest), ctx, cancel, make(chan struct{})}
	started := slices.DeleteFunc(names(plan), func(name string) bool { return patterns[name] == nil })
	if len(started) > 0 {
		w.own.Say("watching the code of " + wording.List(started))
	}
	tree := w.tree
	w.loops.Go(func() {
		defer close(tree.done)
		w.loop(tree)
	})
}

// retireTimeout bounds the time to handle an edit made under earlier patterns.
const retireTimeout = 2 * watcher.MaxDelay

// retire stops a watcher of earlier patterns, once its changes are handled.
func (w *codeWatch) retire(t *codeTree) {
	ctx, cancel := context.WithTimeout(w.ctx, retireTimeout)
	t.sync(ctx, true)
	cancel()
	t.cancel()
	t.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retired = slices.DeleteFunc(w.retired, func(other *codeTree) bool { return other == t })
}

// close stops all watching, after the run.
func (w *codeWatch) close() {
	w.cancel()
	w.mu.Lock()
	if w.tree != nil {
		w.tree.Close()
	}
	w.mu.Unlock()
	w.loops.Wait()
}

// sync returns once the supervisor has received every earlier change, or ctx
// ends. With urgent, delayed restarts happen now. It returns the services whose
// restart is still delayed, and why.
func (w *codeWatch) sync(ctx context.Context, urgent bool) (delayed map[string]string) {
	w.mu.Lock()
	retired, tree := slices.Clone(w.retired), w.tree
	w.mu.Unlock()
	for _, t := range retired {
		t.sync(ctx, true)
	}
	if tree != nil {
		delayed = tree.sync(ctx, urgent)
	}
	return delayed
}

func (t *codeTree) sync(ctx context.Context, urgent bool) (delayed map[string]string) {
	if t.Sync(ctx) != nil {
		return nil
	}
	answer := make(chan map[string]string, 1)
	select {
	case t.requests <- syncRequest{urgent, answer}:
	case <-t.done:
		return nil
	case <-ctx.Done():
		return nil
	}
	select {
	case delayed = <-answer:
	case <-t.done:
	case <-ctx.Done():
	}
	return delayed
}

// filesTimeout bounds how long a restart waits for an edit of the project's
// files to be applied.
const filesTimeout = 2 * time.Second

// loop restarts the services whose files change, except services that the user
// has stopped and changes that the running process has already read. A service
// that restarts right after each start because of the same file probably writes
// that file itself: its restarts are delayed.
func (w *codeWatch) loop(t *codeTree) {
	var pending restarts
	for {
		var due <-chan time.Time
		if wait, some := pending.wait(time.Now()); some {
			due = time.After(wait)
		}
		var change watcher.Change
		var request syncRequest
		select {
		case change = <-t.Changes():
			ctx, cancel := context.WithTimeout(t.ctx, filesTimeout)
			w.syncFiles(ctx)
			cancel()
		case <-due:
		case request = <-t.requests:
			if request.urgent {
				pending.hurry(time.Now())
			}
		case <-t.ctx.Done():
			return
		}
		if err := w.restart(change, &pending); err != nil {
			return
		}
		if request.answer != nil {
			request.answer <- pending.delayed(time.Now())
		}
	}
}

// restart restarts the services whose files have changed, and those whose
// delayed restart is due. It returns an error if the run has ended.
func (w *codeWatch) restart(change watcher.Change, pending *restarts) error {
	if change.Err != nil {
		w.own.Say("not watching all code: " + change.Err.Error())
	}
	all, err := w.run.Status(w.ctx)
	if err != nil {
		return err
	}
	outdated := func(name string, changed time.Time) (launcher.Status, bool) {
		i := slices.IndexFunc(all, func(st launcher.Status) bool { return st.Service == name })
		if i < 0 || all[i].State == launcher.StateStopped || !all[i].LastStarted.Before(changed) {
			return launcher.Status{}, false
		}
		return all[i], true
	}
	names := slices.DeleteFunc(pending.take(time.Now()), func(name string) bool {
		_, ok := outdated(name, pending.changed[name])
		return !ok
	})
	for _, touched := range change.Sets {
		st, ok := outdated(touched.Name, touched.Last)
		if !ok || w.isOwnChange(touched.Name) {
			continue
		}
		builds := w.hasBuild(touched.Name)
		now, text := pending.add(st, touched, builds, time.Now())
		if builds {
			w.causes.set(touched.Name, formatChange(touched))
		}
		if text != "" && !(builds && now) { // the build is announced when it starts
			w.own.Say(text)
		}
		if now && !slices.Contains(names, touched.Name) {
			names = append(names, touched.Name)
		}
	}
	changed := map[string]time.Time{}
	for _, name := range names {
		changed[name] = pending.changed[name]
	}
	return w.run.RestartChanged(w.ctx, changed)
}

// isOwnChange reports whether a service is a step whose files have the content
// that they had after its latest run, or that is running and may write them.
func (w *codeWatch) isOwnChange(name string) bool {
	w.mu.Lock()
	step, ok := w.steps[name]
	w.mu.Unlock()
	return ok && !w.changed(step)
}

func (w *codeWatch) hasBuild(service string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.builds[service]
}

// formatChange formats a change of files: "main.go and 2 more files changed".
func formatChange(t watcher.Touched) string {
	switch more := t.Files - 1; more {
	case 0:
		return t.Path + " changed"
	case 1:
		return t.Path + " and 1 more file changed"
	default:
		return fmt.Sprintf("%s and %d more files changed", t.Path, more)
	}
}
