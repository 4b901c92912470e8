package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/setup"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var pruneCommand = command{
	name:    "prune",
	instead: "devports rm %s",
	usage:   "release the ports of deleted projects",
	help: `
Releases the ports of projects and worktrees whose directory no longer exists,
and prints them. It also removes the logs, locks and sockets of their runs and
the state of their [setup] steps, and ends the points to them (see devports help
point). It keeps the ports of directories on volumes that are not mounted, of
projects that are running, and of other machines and containers that share this
home. It also releases ports that devports run has leased in a project for
directories that belong to no service, unless something listens on them. It
removes the containers of deleted projects; with --volumes also the volumes that
devports created for them. Without --volumes, it asks whether to remove them if
it runs on a terminal.

Example:
  devports prune --dry-run
  devports prune`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "only print what would be released"},
		&cli.BoolFlag{Name: "volumes", Usage: "also remove the volumes of deleted projects, with their data"},
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		p, _ := s.openProject(c) // without one, nothing here has moved
		gone, err := r.Gone(p.Checkout)
		if err != nil {
			return err
		}
		all, err := r.Leases()
		if err != nil {
			return err
		}
		leases, err := s.withoutRuns(gone)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.Undeclared && !slices.Contains(gone, l) && !allocator.Busy(l.Port) {
				leases = append(leases, l)
			}
		}
		verb := "released"
		if c.Bool("dry-run") {
			verb = "would release"
		} else if leases, err = r.Prune(c.Context, leases); err != nil {
			return err
		}
		points, err := s.endGonePoints(c.Context, r, leases, c.Bool("dry-run"))
		if err != nil {
			return err
		}
		removed, failed := s.discardRuns(gone, all, c.Bool("dry-run"))
		logs, size, err := s.discardLogs(gone, all, c.Bool("dry-run"))
		failed = errors.Join(failed, err)
		volumes, err := s.discardContainers(c.Context, all, gone, c.Bool("volumes"), !c.Bool("json"), c.Bool("dry-run"))
		failed = errors.Join(failed, err)
		steps, err := s.discardSetup(gone, all, c.Bool("dry-run"))
		failed = errors.Join(failed, err)
		if c.Bool("json") {
			for _, p := range points {
				s.note("%s", p)
			}
			return errors.Join(s.json(leasesOutput{Leases: leaseRows(leases)}), failed)
		}
		for _, l := range leases {
			why := text.OneLine(l.Scope.Directory) + " no longer exists"
			if l.Undeclared && exists(l.Scope.Directory) {
				why = "not a service, leased for devports run"
			}
			if _, err := fmt.Fprintf(s.stdout, "%s %s of %s, port %d: %s\n", verb, l.Name, l.Scope, l.Port, why); err != nil {
				return err
			}
		}
		for _, p := range points {
			fmt.Fprintln(s.stdout, p)
		}
		format := "removed the files of %s: %s\n"
		if c.Bool("dry-run") {
			format = "would remove the files of %s: %s\n"
		}
		if len(removed) > 0 {
			fmt.Fprintf(s.stdout, format, wording.Count(len(removed), "run"), text.OneLine(strings.Join(removed, ", ")))
		}
		if len(logs) > 0 {
			format := "removed %s of logs: %s\n"
			if c.Bool("dry-run") {
				format = "would remove %s of logs: %s\n"
			}
			fmt.Fprintf(s.stdout, format, wording.Bytes(size), text.OneLine(strings.Join(logs, ", ")))
		}
		if len(volumes) > 0 {
			format := "removed from the container engine: %s\n"
			if c.Bool("dry-run") {
				format = "would remove from the container engine: %s\n"
			}
			fmt.Fprintf(s.stdout, format, text.OneLine(strings.Join(volumes, ", ")))
		}
		if len(steps) > 0 {
			format := "removed the state of the setup: %s\n"
			if c.Bool("dry-run") {
				format = "would remove the state of the setup: %s\n"
			}
			fmt.Fprintf(s.stdout, format, text.OneLine(strings.Join(steps, ", ")))
		}
		if len(leases) == 0 && len(gone) == 0 && len(points) == 0 && len(removed) == 0 && len(logs) == 0 && len(steps) == 0 && len(volumes) == 0 && failed == nil {
			s.note("no stale directories")
		}
		return failed
	},
}

// withoutRuns returns the leases that no run uses, and notes the runs that use
// the others.
func (s session) withoutRuns(leases []registry.Lease) ([]registry.Lease, error) {
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	for _, i := range runs.Instances() {
		used := func(l registry.Lease) bool { return usesLeases(i, l.Scope) }
		if i.Holder == nil || !slices.ContainsFunc(leases, used) {
			continue
		}
		s.note("%s is still running (pid %d) and keeps its ports; to stop it: %s", scopeOfNote(i.Note), i.Note.PID, wording.Down(scopeOfNote(i.Note), i.Note.Shared))
		leases = slices.DeleteFunc(slices.Clone(leases), used)
	}
	return leases, nil
}

// usesLeases reports whether a run uses the ports of a scope. The scope may
// have been moved since the run started.
func usesLeases(i control.Instance, scope registry.Scope) bool {
	return i.Note.Directory == scope.Directory || i.Note.Project == scope.Project && i.Note.Worktree == scope.Worktree && i.Note.Project != ""
}

// discardRuns removes the files of runs whose directory no longer exists, and
// returns the directories. It leaves a killed run with live processes to doctor,
// and notes it. A directory with leases that are not gone is only invisible at the
// moment, such as on a volume that is not mounted.
func (s session) discardRuns(gone, all []registry.Lease, dryRun bool) (removed []string, err error) {
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	directories := map[string]string{} // by the slot's lock
	for _, l := range gone {
		directories[runs.Slot(l.Scope.Directory, l.Scope.Worktree).Lock()] = l.Scope.Directory
	}
	for _, i := range runs.Instances() {
		directory := cmp.Or(i.CheckoutDirectory(), directories[i.Lock()])
		unseen := func(l registry.Lease) bool { return l.Scope.Directory == directory && !slices.Contains(gone, l) }
		if i.Holder != nil || directory == "" || !checkout.IsGone(directory) || slices.ContainsFunc(all, unseen) {
			continue
		}
		if i.Killed() && len(i.Processes()) > 0 {
			s.note("devports up in %s (pid %d) was killed, but its processes are still running; to kill them: devports doctor --fix", directory, i.Note.PID)
			continue
		}
		if !dryRun {
			failed := i.Discard()
			if errors.As(failed, new(*lockfile.HeldError)) {
				continue // a run has just started there
			}
			err = errors.Join(err, failed)
		}
		removed = append(removed, directory)
	}
	return removed, err
}

// discardLogs removes the logs of runs whose directory is gone, and returns the
// directories and the size of the logs.
func (s session) discardLogs(gone, all []registry.Lease, dryRun bool) (directories []string, size int64, err error) {
	store, err := s.logStore()
	if err != nil {
		return nil, 0, err
	}
	for _, r := range store.All() {
		unseen := func(l registry.Lease) bool { return l.Scope.Directory == r.Directory && !slices.Contains(gone, l) }
		if r.Live || r.Directory == "" || !checkout.IsGone(r.Directory) || slices.ContainsFunc(all, unseen) {
			continue
		}
		size += r.Size()
		if !slices.Contains(directories, r.Directory) {
			directories = append(directories, r.Directory)
		}
		if !dryRun {
			err = errors.Join(err, r.Remove())
		}
	}
	slices.Sort(directories)
	return directories, size, err
}

// discardSetup removes what is known about the setup of directories that are
// gone, and returns the directories.
func (s session) discardSetup(gone, all []registry.Lease, dryRun bool) (directories []string, err error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return nil, err
	}
	stored, err := setup.All(home)
	for _, known := range stored {
		unseen := func(l registry.Lease) bool { return l.Scope.Directory == known.Directory && !slices.Contains(gone, l) }
		if !checkout.IsGone(known.Directory) || slices.ContainsFunc(all, unseen) {
			continue
		}
		if !slices.Contains(directories, known.Directory) {
			directories = append(directories, known.Directory)
		}
		if !dryRun {
			err = errors.Join(err, known.Remove())
		}
	}
	return directories, err
}

// endGonePoints ends the points to checkouts whose directory no longer exists, and
// describes them. A point follows a checkout that was moved.
func (s session) endGonePoints(ctx context.Context, r registry.Registry, released []registry.Lease, dryRun bool) (lines []string, err error) {
	leases, err := r.Leases()
	if err != nil {
		return nil, err
	}
	gone := func(p registry.Point) bool {
		follows := func(l registry.Lease) bool {
			return l.Scope.Project == p.Scope.Project && l.Scope.Worktree == p.Scope.Worktree && !slices.Contains(released, l)
		}
		return checkout.IsGone(p.Scope.Directory) && !slices.ContainsFunc(leases, follows)
	}
	points, err := r.Points()
	if err != nil || !slices.ContainsFunc(points, gone) {
		return nil, err
	}
	verb := "ended"
	if dryRun {
		verb = "would end"
	}
	for _, p := range points {
		if gone(p) {
			lines = append(lines, fmt.Sprintf("%s the point %d to %s: %s no longer exists", verb, p.Port, p.Scope.Qualify(p.Service), text.OneLine(p.Scope.Directory)))
		}
	}
	if dryRun {
		return lines, nil
	}
	err = r.EditPoints(ctx, func(points []registry.Point) ([]registry.Point, error) { return slices.DeleteFunc(points, gone), nil })
	if err != nil {
		return nil, err
	}
	_, err = s.pointRows(ctx, r) // the front reads them
	return lines, err
}
