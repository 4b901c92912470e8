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

// codeWatch restarts services when files that they watch have changed.
type codeWatch struct {
	root string
	run  *launcher.Steering
	own  *output.Mux // where its own lines go

	mu       sync.Mutex           // guards what follows
	patterns map[string][]string  // by service
	watcher  *watcher.TreeWatcher // nil if there are no patterns, or they cannot be watched
	closed   bool

	stop  context.CancelFunc // ends the loop of watcher
	loops sync.WaitGroup
}

// follow watches what the services of a plan watch, and nothing else.
func (w *codeWatch) follow(plan procfile.Plan) {
	patterns := plan.Patterns()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || maps.EqualFunc(patterns, w.patterns, slices.Equal) {
		return
	}
	w.end()
	w.patterns = patterns
	if len(patterns) == 0 {
		return
	}
	code, err := watcher.NewTree(w.root, patterns)
	if err != nil {
		w.own.Say("no code is watched: " + err.Error())
		return
	}
	w.watcher = code
	started := slices.DeleteFunc(names(plan), func(name string) bool { return patterns[name] == nil })
	if len(started) > 0 {
		w.own.Say("watching the code of " + wording.List(started))
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.loops.Go(func() { w.restart(ctx, code) })
}

// close ends the watching for good, after the run.
func (w *codeWatch) close() {
	w.mu.Lock()
	w.closed = true
	w.end()
	w.mu.Unlock()
	w.loops.Wait()
}

func (w *codeWatch) end() {
	if w.watcher != nil {
		w.stop()
		w.watcher.Close()
		w.watcher = nil
	}
}

// restart restarts the services that changes touch, but for those that their
// user has stopped. One that a file restarts right after each start is likely to
// write it itself: its restarts wait.
func (w *codeWatch) restart(ctx context.Context, code *watcher.TreeWatcher) {
	var pending restarts
	for {
		var late <-chan time.Time
		if wait, some := pending.wait(time.Now()); some {
			late = time.After(wait)
		}
		var change watcher.Change
		select {
		case change = <-code.Changes():
		case <-late:
		case <-ctx.Done():
			return
		}
		if change.Err != nil {
			w.own.Say("not all code is watched: " + change.Err.Error())
		}
		all, err := w.run.Status(ctx)
		if err != nil {
			return
		}
		running := func(name string) (launcher.Status, bool) {
			i := slices.IndexFunc(all, func(st launcher.Status) bool { return st.Service == name })
			if i < 0 || all[i].State == launcher.StateStopped {
				return launcher.Status{}, false
			}
			return all[i], true
		}
		names := slices.DeleteFunc(pending.take(time.Now()), func(name string) bool {
			_, ok := running(name)
			return !ok
		})
		for _, touched := range change.Sets {
			st, ok := running(touched.Name)
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
		if len(names) > 0 && w.run.Rerun(ctx, names...) != nil {
			return
		}
	}
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
