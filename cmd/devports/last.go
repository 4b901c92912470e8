package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// lastRun is the record of a run in the background, kept until the run ends,
// from which up -d --last starts it again after a shutdown of the machine.
// Apart from the label it has no variables, which may be secret.
type lastRun struct {
	Version   int       `json:"version"`
	Directory string    `json:"directory"`
	Worktree  string    `json:"worktree,omitempty"` // the user's own label of the checkout
	Options   upOptions `json:"options"`
}

func newLastRun(p project.Project, scope registry.Scope, o upOptions) (l lastRun, err error) {
	l = lastRun{Version: handoverVersion, Directory: scope.Directory, Options: o}
	if scope.Worktree == p.Checkout.Override {
		l.Worktree = scope.Worktree
	}
	l.Options.File = p.File.Path
	if o.Proposed != nil {
		l.Options.Dir = p.File.Dir
	}
	for _, path := range []*string{&l.Options.Registry, &l.Options.Log} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return l, err
			}
		}
	}
	return l, nil
}

func (l lastRun) keep(slot control.Slot) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return slot.Remember(text)
}

func recall(slot control.Slot) (l lastRun, err error) {
	text, err := slot.Recall()
	if err == nil && text == nil {
		return l, fs.ErrNotExist
	}
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil && l.Version != handoverVersion {
		err = fmt.Errorf("unsupported version %d, expected %d", l.Version, handoverVersion)
	}
	return l, err
}

// remember records a run in the background. forget removes the record, unless a
// signal has stopped the run: that is how it ends when the machine shuts down.
func (u *upRun) remember(from *background) (forget func()) {
	if from == nil || from.starter != nil {
		return func() {}
	}
	slot, err := u.session.slot(u.scope)
	var l lastRun
	if err == nil {
		l, err = newLastRun(u.run.Project, u.scope, u.options)
	}
	if err == nil {
		err = l.keep(slot)
	}
	if err != nil {
		u.session.note("up -d --last will not start this run again: %v", err)
		return func() {}
	}
	return func() {
		if !u.signalled {
			_ = slot.Forget() // if that fails, --last starts the run once too often
		}
	}
}

// remember records that a run has become permanent in the background, or that
// more of its services have.
func (d detached) remember(temporary bool) error {
	l, err := recall(d.slot)
	switch {
	case err == nil && len(l.Options.Services) > 0 && len(d.options.Services) > 0:
		l.Options.Services = append(l.Options.Services, d.options.Services...)
		slices.Sort(l.Options.Services)
		l.Options.Services = slices.Compact(l.Options.Services)
	case err == nil:
		l.Options.Services, l.Options.Without = nil, d.options.Without
	case temporary:
		if l, err = newLastRun(d.project, d.scope, d.options); err != nil {
			return err
		}
	default: // a run in the foreground
		return nil
	}
	return l.keep(d.slot)
}

// upLast starts the background runs again that were running when the machine
// went down.
func (s session) upLast(ctx context.Context, timeout time.Duration) error {
	runs, err := s.runs()
	if err != nil {
		return err
	}
	slots := runs.Remembered()
	if len(slots) == 0 {
		s.note("nothing to start: no background run was interrupted")
		return nil
	}
	var wait sync.WaitGroup
	var mu sync.Mutex // guards failed and the output
	failed := false
	for _, slot := range slots {
		wait.Go(func() {
			var out, errs bytes.Buffer
			own := s
			own.stdout, own.stderr, own.notices = &out, &errs, nil
			status := report(own, own.startAgain(ctx, slot, timeout))
			mu.Lock()
			defer mu.Unlock()
			failed = failed || status != 0
			_, _ = out.WriteTo(s.stdout)
			_, _ = errs.WriteTo(s.stderr)
		})
	}
	wait.Wait()
	if failed {
		return failure{status: exitFailed}
	}
	return nil
}

func (s session) startAgain(ctx context.Context, slot control.Slot, timeout time.Duration) error {
	l, err := recall(slot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has just ended
	}
	if err != nil {
		return fail(exitFailed, "", "cannot start a run again: %v", err)
	}
	if _, err := os.Stat(l.Directory); errors.Is(err, fs.ErrNotExist) {
		s.note("skipping %s: it no longer exists", l.Directory)
		return nil
	}
	if i, ok := slot.Running(); ok {
		_, err := fmt.Fprintf(s.stdout, "%s: already running (pid %d)\n", l.Directory, i.Note.PID)
		return err
	}
	fmt.Fprintf(s.stdout, "%s:\n", l.Directory)
	return s.labelled(l.Worktree).detach(ctx, l.Options, timeout, false)
}

// labelled returns s with the user's own label for a checkout; "" for none.
func (s session) labelled(label string) session {
	own, _ := envvar.Own(s.environ)
	s.environ = slices.DeleteFunc(own, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == envvar.Worktree || name == envvar.Project
	})
	if label != "" {
		s.environ = append(s.environ, envvar.Worktree+"="+label)
	}
	environ := s.environ
	s.getenv = func(name string) string {
		for _, entry := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	}
	return s
}
