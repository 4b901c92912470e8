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

// codeWatch restarts services when files that they watch have changed. Make one
// with [newCodeWatch].
type codeWatch struct {
	root string
	run  *launcher.Controller
	own  *output.Mux // where its own lines go

	// files has edits of the project's files followed first: an edit of both is
	// one restart. It returns when ctx ends.
	files func(ctx context.Context)

	ended context.Context // when nothing is watched any more
	end   context.CancelFunc
	loops sync.WaitGroup

	mu       sync.Mutex          // guards what follows
	patterns map[string][]string // by service
	tree     *codeTree           // nil if there are no patterns, or they cannot be watched
	retired  []*codeTree         // those before, until what they have seen is dealt with
}

// codeTree is a watcher of code with the loop that takes its changes.
type codeTree struct {
	*watcher.TreeWatcher
	asked chan codeQuestion
	over  context.Context // ends the loop
	stop  context.CancelFunc
	ended chan struct{} // closed when the loop has ended
}

// codeQuestion is answered by the loop when it has dealt with what it has taken
// before.
type codeQuestion struct {
	urgent   bool                     // restarts that wait do not wait any more
	answered chan<- map[string]string // has room for one: the services whose restart waits, and why
}

func newCodeWatch(root string, run *launcher.Controller, own *output.Mux) *codeWatch {
	w := &codeWatch{root: root, run: run, own: own, files: func(context.Context) {}}
	w.ended, w.end = context.WithCancel(context.Background())
	return w
}

// follow watches what the services of a plan watch, and nothing else.
func (w *codeWatch) follow(plan procfile.Plan) {
	patterns := plan.Patterns()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.Err() != nil || maps.EqualFunc(patterns, w.patterns, slices.Equal) {
		return
	}
	w.patterns = patterns
	before := w.tree
	w.tree = nil
	if len(patterns) > 0 {
		w.watch(patterns, plan)
	}
	if before != nil { // only now: no edit falls between
		w.retired = append(w.retired, before)
		w.loops.Go(func() { w.retire(before) })
	}
}

// watch begins to watch.
func (w *codeWatch) watch(patterns map[string][]string, plan procfile.Plan) {
	code, err := watcher.NewTree(w.root, patterns)
	if err != nil {
		w.own.Say("no code is watched: " + err.Error())
		return
	}
	over, stop := context.WithCancel(w.ended)
	w.tree = &codeTree{code, make(chan codeQuestion), over, stop, make(chan struct{})}
	started := slices.DeleteFunc(names(plan), func(name string) bool { return patterns[name] == nil })
	if len(started) > 0 {
		w.own.Say("watching the code of " + wording.List(started))
	}
	tree := w.tree
	w.loops.Go(func() {
		defer close(tree.ended)
		w.restart(tree)
	})
}

// retireTimeout is how long an edit made under earlier patterns may take until
// it is dealt with.
const retireTimeout = 2 * watcher.MaxDelay

// retire ends the watching by earlier patterns, once what happened under them is
// dealt with.
func (w *codeWatch) retire(t *codeTree) {
	ctx, cancel := context.WithTimeout(w.ended, retireTimeout)
	t.sync(ctx, true)
	cancel()
	t.stop()
	t.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retired = slices.DeleteFunc(w.retired, func(other *codeTree) bool { return other == t })
}

// close ends the watching for good, after the run.
func (w *codeWatch) close() {
	w.end()
	w.mu.Lock()
	if w.tree != nil {
		w.tree.Close()
	}
	w.mu.Unlock()
	w.loops.Wait()
}

// sync returns once the supervisor has got every change made before, or ctx
// ends. With urgent, restarts that wait do not wait any more. It returns the
// services whose restart still does, and why.
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
	answered := make(chan map[string]string, 1)
	select {
	case t.asked <- codeQuestion{urgent, answered}:
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return nil
	}
	select {
	case delayed = <-answered:
	case <-t.ended:
	case <-ctx.Done():
	}
	return delayed
}

// filesTimeout is how long a restart waits for an edit of the project's files to
// be followed.
const filesTimeout = 2 * time.Second

// restart restarts the services that changes touch, but for those that their
// user has stopped, and for changes that a process has read already. One that a
// file restarts right after each start is likely to write it itself: its restarts
// wait.
func (w *codeWatch) restart(t *codeTree) {
	var pending restarts
	for {
		var late <-chan time.Time
		if wait, some := pending.wait(time.Now()); some {
			late = time.After(wait)
		}
		var change watcher.Change
		var question codeQuestion
		select {
		case change = <-t.Changes():
			ctx, cancel := context.WithTimeout(t.over, filesTimeout)
			w.files(ctx)
			cancel()
		case <-late:
		case question = <-t.asked:
			if question.urgent {
				pending.hurry(time.Now())
			}
		case <-t.over.Done():
			return
		}
		if err := w.take(change, &pending); err != nil {
			return
		}
		if question.answered != nil {
			question.answered <- pending.delayed(time.Now())
		}
	}
}

// take restarts what a change touches, and what has waited long enough. The
// error says that there is nothing more to restart.
func (w *codeWatch) take(change watcher.Change, pending *restarts) error {
	if change.Err != nil {
		w.own.Say("not all code is watched: " + change.Err.Error())
	}
	all, err := w.run.Status(w.ended)
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
		if !ok {
			continue
		}
		now, text := pending.add(st, touched, time.Now())
		if text != "" {
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
	return w.run.RestartChanged(w.ended, changed)
}

// tellTouched says what has changed: "main.go has changed, and 2 more files".
func tellTouched(t watcher.Touched) string {
	switch more := t.Files - 1; more {
	case 0:
		return t.Path + " has changed"
	case 1:
		return t.Path + " has changed, and 1 more file"
	default:
		return fmt.Sprintf("%s has changed, and %d more files", t.Path, more)
	}
}
