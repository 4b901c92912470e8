package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/container"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

func checkoutOf(scope registry.Scope, shared bool) container.Checkout {
	return container.Checkout{Name: scope.Name(), Directory: scope.Directory, Shared: shared}
}

// loadedContainers is what an engine has said before the start of a run. A
// project that is loaded again asks again.
type loadedContainers struct{ once *container.Loaded }

func (l *loadedContainers) take() *container.Loaded {
	loaded := l.once
	l.once = nil
	return loaded
}

// loadContainers asks the engine about a plan before the run claims its scope: a
// run that has claimed it has to respond.
func (s session) loadContainers(ctx context.Context, plan procfile.Plan, scope registry.Scope) {
	s.containers.once = container.Load(ctx, plan, scope.Name())
}

// completeContainers completes the services in containers. The error has every
// reason why one of the needed services cannot start.
func (s session) completeContainers(ctx context.Context, plan procfile.Plan, scope registry.Scope, needed []string) (procfile.Plan, error) {
	program, err := os.Executable()
	if err != nil {
		return plan, err
	}
	home, err := registry.Home(s.getenv)
	if err != nil {
		return plan, err
	}
	loaded := s.containers.take()
	if loaded == nil {
		loaded = container.Load(ctx, plan, scope.Name())
	}
	of := checkoutOf(scope, false)
	plan, findings := container.Complete(plan, loaded, container.Options{
		Program: program, Checkout: of, Needed: needed,
		Lock: container.LockFile(filepath.Join(home, "run"), of),
	})
	f := failure{status: exitFailed}
	for _, found := range findings {
		switch {
		case !found.Fatal:
			plan.Notes = append(plan.Notes, procfile.Problem{Text: found.Text, Hint: found.Hint})
		case slices.Contains(needed, found.Service):
			f.lines = append(f.lines, errorLine{found.Service + ": " + found.Text, found.Hint})
		}
	}
	if len(f.lines) > 0 {
		return plan, f
	}
	return plan, nil
}

// runContainer is the process of a service in a container.
func (s session) runContainer(spec container.Spec) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	err := container.Run(spec, s.environ, os.Stdout, signals)
	var exit *container.ExitError
	var failed *container.Failure
	switch {
	case errors.As(err, &exit):
		return failure{status: exit.Status}
	case errors.As(err, &failed):
		return fail(failed.Status, failed.Hint, "%s", failed.Text)
	}
	return err
}

// removeContainers removes the containers of a run, "" for all of a checkout. A
// note names what is removed, unless it is "".
func (s session) removeContainers(scope registry.Scope, shared bool, instance, note string) error {
	removed, err := container.Remove(context.Background(), s.environ, checkoutOf(scope, shared), instance)
	if len(removed) > 0 && note != "" {
		s.note(note, wording.List(removed))
	}
	if err != nil {
		return fmt.Errorf("cannot remove the containers of %s: %w", scope, err)
	}
	return nil
}

// hasContainers reports whether a plan has services in containers.
func hasContainers(plan procfile.Plan) bool {
	for _, list := range [][]procfile.Process{plan.Services, plan.Inactive} {
		for i := range list { // without a copy of each
			if list[i].Container != nil {
				return true
			}
		}
	}
	return false
}

// containerNotes are the notes about containers in a plan, which checked, the
// same plan before they were completed, has not.
func containerNotes(checked, plan procfile.Plan) procfile.Problems {
	if !hasContainers(plan) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(plan.Notes), func(n procfile.Problem) bool { return slices.Contains(checked.Notes, n) })
}

// checkContainers returns notes about what compose files declare, and why they
// were not read.
func (s session) checkContainers(ctx context.Context, file procfile.File, plan procfile.Plan, scope registry.Scope) (notes procfile.Problems) {
	if !slices.ContainsFunc(plan.Services, func(p procfile.Process) bool { return p.Container != nil && p.Container.Compose != "" }) {
		return nil
	}
	plan.Services = slices.Clone(plan.Services)
	for i, p := range plan.Services {
		if p.Container != nil { // resolved without a scope
			named := *p.Container
			named.Project, plan.Services[i].Container = scope.Name(), &named
		}
	}
	_, findings := container.Complete(plan, container.Load(ctx, plan, scope.Name()), container.Options{Checkout: checkoutOf(scope, false), Needed: names(plan)})
	for _, found := range findings {
		n := procfile.Problem{File: file.Name, Text: found.Text, Hint: found.Hint}
		if declared, ok := file.Service(found.Service); ok && declared.Container != nil {
			n.Position = declared.Container.Compose.Pos
			if n.Position.Line == 0 {
				n.Position = declared.Pos
			}
		}
		if found.Fatal {
			n.Text = fmt.Sprintf("%s: cannot check its compose file: %s", found.Service, found.Text)
		}
		notes = append(notes, n)
	}
	return notes
}

// discardContainers removes the containers of checkouts whose directory no
// longer exists, and with volumes also their volumes. Without, it may ask about
// these on a terminal. It returns what it has removed, and notes volumes that it
// keeps.
func (s session) discardContainers(ctx context.Context, all, gone []registry.Lease, volumes, ask, dryRun bool) (removed []string, err error) {
	if len(gone) == 0 {
		return nil, nil
	}
	deleted := func(o container.Owned) bool { // not of another machine that uses the engine
		in := func(l registry.Lease) bool { return l.Scope.Directory == o.Checkout.Directory }
		unseen := func(l registry.Lease) bool { return in(l) && !slices.Contains(gone, l) }
		return checkout.IsGone(o.Checkout.Directory) && slices.ContainsFunc(gone, in) && !slices.ContainsFunc(all, unseen)
	}
	for _, o := range container.Containers(ctx, s.environ) {
		if !deleted(o) {
			continue
		}
		if !dryRun {
			if _, failed := container.Remove(ctx, s.environ, o.Checkout, ""); failed != nil {
				err = errors.Join(err, failed)
				continue
			}
		}
		removed = append(removed, o.Name)
	}
	var found []string
	for _, o := range container.Volumes(ctx, s.environ) {
		if deleted(o) {
			found = append(found, o.Name)
		}
	}
	switch {
	case len(found) == 0:
	case dryRun && volumes:
		removed = append(removed, found...)
	case volumes, !dryRun && ask && s.removesVolumes(found):
		for _, name := range found {
			if failed := container.RemoveVolumes(ctx, s.environ, name); failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			removed = append(removed, name)
		}
	case dryRun:
		s.note("would keep the volumes of deleted projects: %s (to remove them with their data: devports prune --volumes)", wording.List(found))
	default: // their leases are gone: another prune does not find them
		s.note("kept the volumes of deleted projects: %s (to remove them with their data: docker volume rm %s)", wording.List(found), strings.Join(found, " "))
	}
	return removed, err
}

// removesVolumes asks on a terminal whether to remove volumes.
func (s session) removesVolumes(names []string) bool {
	if !s.asks() {
		return false
	}
	fmt.Fprintf(s.stdout, "Remove the volumes of deleted projects, with their data: %s? [y/N] ", wording.List(names))
	answer := s.answer()
	return answer == "y" || answer == "yes"
}
