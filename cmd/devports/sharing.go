package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

const (
	// shareLinger is how long the run of shared services goes on after the last
	// checkout that uses it has gone.
	shareLinger = 2 * time.Second

	// shareStart limits how long that run may take to start.
	shareStart = 30 * time.Second

	// sharePoll is how often a run checks whether the run of shared services,
	// which was stopped, has been started again.
	sharePoll = time.Second
)

// sharing connects a run with the run that starts its shared services: see
// [launcher.Sharing]. It starts that run if there is none.
type sharing struct {
	runs    control.Runs
	home    project.Project
	self    string // the checkout of this run, as --checkout names it
	options upOptions

	controller *launcher.Controller // of this run

	starting chan struct{} // has a value while this process starts the run
}

// newSharing returns nil for a project without shared services.
func (s session) newSharing(p project.Project, scope registry.Scope, o upOptions, c *launcher.Controller) (*sharing, error) {
	if p.File.Path == "" || scope.UserWide() {
		return nil, nil
	}
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	return &sharing{runs: runs, home: p.Home(), self: address(scope), options: o, controller: c, starting: make(chan struct{}, 1)}, nil
}

// Follow implements [launcher.Sharing].
func (s *sharing) Follow(ctx context.Context, service string, update func(launcher.SharedState)) {
	for ctx.Err() == nil {
		i, hold, err := s.join(ctx, service)
		if err != nil {
			if ctx.Err() == nil {
				update(launcher.SharedState{Err: err})
				<-ctx.Done()
			}
			return
		}
		startedBy := i.Note.StartedBy
		_ = i.Client().Watch(ctx, func(info control.Info) error {
			for _, st := range info.Services {
				if st.Service == service {
					update(launcher.SharedState{Status: st, StartedBy: startedBy})
				}
			}
			return nil
		})
		hold.Close()
		if ctx.Err() != nil {
			return
		}
		if s.ended(ctx, i) {
			update(launcher.SharedState{Ended: true})
			s.awaitRun(ctx)
		} else if ctx.Err() == nil {
			update(launcher.SharedState{Lost: true})
		}
	}
}

// ended waits until a run that cannot be reached has ended, and reports whether
// it did so in an orderly way.
func (s *sharing) ended(ctx context.Context, i control.Instance) bool {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = i.AwaitEnd(bounded)
	now := i.Slot.Instance()
	return !now.Runs() && !now.Killed()
}

// awaitRun waits until there is a run of shared services.
func (s *sharing) awaitRun(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sharePoll):
		}
		if _, ok := s.runs.RunningShared(s.home.Checkout.Directory); ok {
			return
		}
	}
}

// join holds a service in the run of shared services, which it starts if there is
// none.
func (s *sharing) join(ctx context.Context, service string) (control.Instance, control.Hold, error) {
	select {
	case s.starting <- struct{}{}:
		defer func() { <-s.starting }()
	case <-ctx.Done():
		return control.Instance{}, control.Hold{}, ctx.Err()
	}
	for {
		i, err := s.start(ctx)
		if err != nil {
			return i, control.Hold{}, err
		}
		hold, err := i.Client().HoldShared(ctx, s.self, service)
		switch {
		case errors.Is(err, launcher.ErrEnded):
			if err := i.AwaitEnd(ctx); err != nil {
				return i, hold, err
			}
			continue
		case err != nil:
			return i, hold, unusable(i, err)
		}
		return i, hold, nil
	}
}

// unusable describes why a run of shared services cannot be used. An unknown name,
// and the end of the run, keep their types, which callers handle.
func unusable(i control.Instance, err error) error {
	var silent *control.UnresponsiveError
	scope := scopeOfNote(i.Note)
	switch {
	case errors.Is(err, launcher.ErrEnded), errors.Is(err, context.Canceled), errors.As(err, new(*launcher.UnknownServiceError)):
		return err
	case errors.As(err, new(*control.OtherVersionError)):
		return fmt.Errorf("cannot use the shared instance: %w; to stop that for all checkouts: %s", err, wording.Down(scope, true))
	case errors.As(err, &silent) && silent.Suspended:
		return fmt.Errorf("cannot use the shared instance: %w; to resume it: kill -CONT %d; to kill it: %s", err, silent.PID, wording.Down(scope, true, "--kill"))
	case errors.As(err, &silent):
		return fmt.Errorf("cannot use the shared instance: %w; to kill it: %s", err, wording.Down(scope, true, "--kill"))
	}
	return fmt.Errorf("cannot use the shared instance: %w", err)
}

// start returns the run of shared services. If there is none, it starts one in the
// directory of their home.
func (s *sharing) start(ctx context.Context) (control.Instance, error) {
	dir := s.home.Checkout.Directory
	running := func() (control.Instance, bool) {
		i, ok := s.runs.RunningShared(dir)
		return i, ok && i.Controllable()
	}
	if i, ok := running(); ok {
		return i, nil
	}
	o := upOptions{File: s.home.File.Path, Registry: s.options.Registry, NoFront: true, NoWatch: s.options.NoWatch, Color: "never"}
	if o.Registry != "" {
		path, err := filepath.Abs(o.Registry)
		if err != nil {
			return control.Instance{}, err
		}
		o.Registry = path
	}
	start := handover{Options: o, Temporary: true, Shared: &sharedStart{s.self, dir, rand.Text()}}
	input, err := start.encode()
	if err != nil {
		return control.Instance{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return control.Instance{}, err
	}
	if _, err := s.controller.StartOutside(ctx, append(append([]string{program}, sharedArguments...), string(input))...); err != nil {
		return control.Instance{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, shareStart)
	defer cancel()
	for {
		if i, ok := running(); ok {
			return i, nil
		}
		if why, failed := start.Shared.failure(s.runs.SharedSlot(dir)); failed {
			return control.Instance{}, fmt.Errorf("cannot start the run that shares it: %s", why)
		}
		select {
		case <-ctx.Done():
			return control.Instance{}, ctx.Err()
		case <-time.After(startPoll):
		}
	}
}

// startPoll is how often to check whether the run of shared services has
// started.
const startPoll = 5 * time.Millisecond

// commands returns the commands for shared services; nil for a project without.
func (s *sharing) commands() control.SharedCommands {
	if s == nil {
		return nil
	}
	return s
}

// Stop stops shared services.
func (s *sharing) Stop(ctx context.Context, others bool, services ...string) error {
	return s.command(ctx, others, services, control.Client.Stop)
}

// Restart restarts shared services, and starts those that are not in use here.
func (s *sharing) Restart(ctx context.Context, others bool, services ...string) error {
	if err := s.command(ctx, others, services, control.Client.Restart); err != nil {
		return err
	}
	return s.controller.Start(ctx, services...)
}

func (s *sharing) command(ctx context.Context, others bool, services []string, send func(control.Client, context.Context, ...string) (control.Info, error)) error {
	i, ok := s.runs.RunningShared(s.home.Checkout.Directory)
	if !ok {
		return nil // they are stopped
	}
	client := i.Client()
	if !others {
		info, err := client.Status(ctx)
		if err != nil {
			return unusable(i, err)
		}
		for _, service := range services {
			if checkouts := info.NeededBy(service, s.self); len(checkouts) > 0 {
				return &control.SharedError{Service: service, Checkouts: checkouts}
			}
		}
	}
	if _, err := send(client, ctx, services...); err != nil {
		return unusable(i, err)
	}
	return nil
}

// follower returns s for the launcher; nil for a project without shared services.
func (s *sharing) follower() launcher.Sharing {
	if s == nil {
		return nil
	}
	return s
}

// sync returns once this run knows the state of the shared services, after the
// run that starts them has applied all earlier edits.
func (s *sharing) sync(ctx context.Context) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sharedSync)
	defer cancel()
	for ctx.Err() == nil {
		i, ok := s.runs.RunningShared(s.home.Checkout.Directory)
		if !ok {
			return
		}
		there, err := i.Client().Status(ctx)
		if err != nil {
			return
		}
		here, err := s.controller.Status(ctx)
		if err != nil || agree(here, there.Services) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(startPoll):
		}
	}
}

// sharedSync limits how long a command waits for the state of shared services: less
// than it waits for all edits.
const sharedSync = 2 * time.Second

// agree reports whether the states of shared services in this run are those of the
// run that starts them.
func agree(here, there []launcher.Status) bool {
	return !slices.ContainsFunc(here, func(st launcher.Status) bool {
		i := slices.IndexFunc(there, func(other launcher.Status) bool { return other.Service == st.Service })
		if !st.Shared || st.StartedBy == "" || i < 0 {
			return false
		}
		return st.State != there[i].State || !st.LastStarted.Equal(there[i].LastStarted)
	})
}
