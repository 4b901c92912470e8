package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// foundLogs are the logs of a checkout.
type foundLogs struct {
	session  session
	store    logstore.Store
	scope    registry.Scope
	slot     string
	runs     []logstore.Run   // the latest first
	instance control.Instance // if live
	live     bool
}

// recorded reports whether the current run is in the store.
func (l foundLogs) recorded() bool {
	return l.live && len(l.runs) > 0 && l.runs[0].ID == l.instance.Note.ID
}

// findLogs finds the logs that the command line selects. If there are none, the
// error says that nothing is running.
func (s session) findLogs(c *cli.Context) (foundLogs, error) {
	l := foundLogs{session: s}
	var err error
	if l.store, err = s.logStore(); err != nil {
		return l, err
	}
	var missing error
	l.instance, l.scope, missing = s.running(c)
	switch {
	case missing == nil:
		l.live, l.slot = true, l.instance.Name()
	case s.describe(missing).status != exitRunning:
		return l, missing
	case l.scope.Directory != "":
		slot, err := s.slot(l.scope)
		if err != nil {
			return l, err
		}
		l.slot = slot.Name()
	default:
		r, ok := s.storedRun(c, l.store)
		if !ok {
			return l, missing
		}
		l.scope, l.slot = scopeOfStored(r), r.Slot
	}
	l.runs = l.store.Runs(l.slot)
	if l.live && !l.recorded() { // it may have just begun
		ctx, cancel := context.WithTimeout(c.Context, time.Second)
		defer cancel()
		if l.instance.Client().AwaitRecorded(ctx) == nil {
			l.runs = l.store.Runs(l.slot)
		}
	}
	if !l.live && len(l.runs) == 0 {
		return l, missing
	}
	return l, nil
}

// sharedLogs returns the logs of the run of shared services if all the names are
// those of shared services.
func (s session) sharedLogs(c *cli.Context, l foundLogs, names []string) foundLogs {
	p, ok := s.projectOfRun(c, l.scope, nil)
	if !ok || !p.AllShared(names) {
		return l
	}
	runs, err := s.runs()
	if err != nil {
		return l
	}
	dir := p.Home().Checkout.Directory
	slot := runs.SharedSlot(dir)
	shared := foundLogs{session: s, store: l.store, scope: l.scope, slot: slot.Name()}
	shared.scope.Directory, shared.scope.Worktree = dir, control.SharedLabel
	if shared.instance, shared.live = runs.RunningShared(dir); shared.live {
		shared.slot = shared.instance.Name()
	}
	if shared.runs = l.store.Runs(shared.slot); len(shared.runs) == 0 && !shared.live {
		return l
	}
	return shared
}

// isOfShared reports whether a stored run is one of shared services.
func (s session) isOfShared(r logstore.Run) bool {
	runs, err := s.runs()
	return err == nil && r.Slot == runs.SharedSlot(r.Directory).Name()
}

// storedRun finds the latest stored run of the checkout that the command line
// names, or of the working directory or the nearest directory above it.
func (s session) storedRun(c *cli.Context, store logstore.Store) (logstore.Run, bool) {
	all := store.All()
	if name := c.String("checkout"); name != "" {
		return firstRun(all, func(r logstore.Run) bool { return address(scopeOfStored(r)) == name })
	}
	dir := c.String("dir")
	if file := c.String("file"); file != "" {
		dir = filepath.Dir(file)
	}
	if dir == "" {
		dir, _ = os.Getwd()
		if dir == "" {
			dir = s.getenv("PWD") // the directory is gone
		}
	}
	dir = resolved(dir)
	stop := ""
	if path, err := procfile.Find(dir, s.getenv); err == nil {
		stop = filepath.Dir(path)
	}
	label := s.getenv(envvar.Worktree)
	for directory := dir; ; directory = filepath.Dir(directory) {
		here := func(r logstore.Run) bool { return r.Directory == directory && !s.isOfShared(r) }
		if r, ok := firstRun(all, func(r logstore.Run) bool { return here(r) && label != "" && r.Worktree == label }); ok {
			return r, ok
		}
		if r, ok := firstRun(all, here); ok || directory == stop || directory == filepath.Dir(directory) {
			return r, ok
		}
	}
}

func firstRun(runs []logstore.Run, wanted func(logstore.Run) bool) (logstore.Run, bool) {
	i := slices.IndexFunc(runs, wanted)
	if i < 0 {
		return logstore.Run{}, false
	}
	return runs[i], true
}

func scopeOfStored(r logstore.Run) registry.Scope {
	return registry.Scope{Directory: r.Directory, Project: r.Project, Worktree: r.Worktree}
}

// noteEnd prints how the last run ended, if it has ended and that is known. The
// last run may be live where none is running: in a directory that replaced its own.
func (s session) noteEnd(c *cli.Context) {
	l, err := s.findLogs(c)
	if err == nil && !l.live && !l.runs[0].Live {
		s.note("%s", formatEnd(l.runs[0]))
	}
}

// unknownIn returns an error for the names that are not known; nil if all are.
func unknownIn(l foundLogs, names, known []string) error {
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) })
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(known)
	return requestFailed(l.scope, &launcher.UnknownServiceError{Names: unknown, Known: slices.Compact(known)})
}

// settled waits until all output so far is in the store. ok is false if it is not
// recorded, or cannot be at the moment.
func (l foundLogs) settled(ctx context.Context, follow bool) (ok bool, err error) {
	if !l.live {
		return true, nil
	}
	if !l.recorded() {
		return false, nil
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = l.instance.Client().AwaitRecorded(bounded)
	var silent *control.UnresponsiveError
	var other *control.OtherVersionError
	switch {
	case err == nil || errors.Is(err, launcher.ErrEnded):
		return true, nil
	case (errors.As(err, &silent) || errors.As(err, &other)) && follow:
		return false, requestFailed(l.scope, err)
	case errors.As(err, &other):
		return true, nil
	case errors.As(err, &silent):
		l.session.note("%s", unresponsive(l.scope, silent).lines[0].text)
		return true, nil
	case errors.As(err, new(*control.UnreachableError)):
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	}
	l.session.note("cannot store all output: %v; printing only what the run has in memory", err)
	return false, nil
}
