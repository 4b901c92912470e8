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

// lastRun is what is kept of a run in the background for as long as it is to run,
// so that it can be brought back after the machine has gone down. It holds no
// variables but the label: others may be secret.
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
		err = fmt.Errorf("version %d instead of %d", l.Version, handoverVersion)
	}
	return l, err
}

// remember keeps a run in the background until it ends by itself or is ended by
// devports down. A signal is how it ends with the machine.
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
		u.session.note("up -d --last will not bring this run back: %v", err)
		return func() {}
	}
	return func() {
		if !u.signalled {
			_ = slot.Forget() // or it is brought back once too often
		}
	}
}

// remember keeps that a run has come to be in the background for its user, or
// that more of its services have.
func (d detached) remember(temporary bool) error {
	l, err := recall(d.slot)
	switch {
	case err == nil && len(l.Options.Services) > 0 && len(d.options.Services) > 0:
		l.Options.Services = append(l.Options.Services, d.options.Services...)
		slices.Sort(l.Options.Services)
		l.Options.Services = slices.Compact(l.Options.Services)
	case err == nil:
		l.Options.Services = nil
	case temporary:
		if l, err = newLastRun(d.project, d.scope, d.options); err != nil {
			return err
		}
	default: // it is in the foreground
		return nil
	}
	return l.keep(d.slot)
}

// upLast brings back the runs that were up in the background when the machine
// went down.
func (s session) upLast(ctx context.Context, timeout time.Duration) error {
	runs, err := s.runs()
	if err != nil {
		return err
	}
	slots := runs.Remembered()
	if len(slots) == 0 {
		s.note("there is nothing to bring back: no run in the background was cut off")
		return nil
	}
	var wait sync.WaitGroup
	var mu sync.Mutex // guards what follows, and the order of what is printed
	failed := false
	for _, slot := range slots {
		wait.Go(func() {
			var out, errs bytes.Buffer
			own := s
			own.stdout, own.stderr, own.notices = &out, &errs, nil
			status := report(own, own.bringBack(ctx, slot, timeout))
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

func (s session) bringBack(ctx context.Context, slot control.Slot, timeout time.Duration) error {
	l, err := recall(slot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has just ended
	}
	if err != nil {
		return fail(exitFailed, "", "a run cannot be brought back: %v", err)
	}
	if _, err := os.Stat(l.Directory); errors.Is(err, fs.ErrNotExist) {
		s.note("skipped %s, which is gone", l.Directory)
		return nil
	}
	if i, ok := slot.Running(); ok {
		_, err := fmt.Fprintf(s.stdout, "%s already runs (pid %d)\n", l.Directory, i.Note.PID)
		return err
	}
	fmt.Fprintf(s.stdout, "%s:\n", l.Directory)
	return s.labelled(l.Worktree).detach(ctx, l.Options, timeout, false)
}

// labelled is s with the user's own label for a checkout, "" for none.
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
