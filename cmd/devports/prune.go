package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var pruneCommand = command{
	name:    "prune",
	instead: "devports rm %s",
	usage:   "give up the ports of projects whose folder is gone",
	help: `
Gives up the ports of every project and worktree whose folder is gone, and says
which, and removes the logs, locks and sockets of their runs. What is on a volume
that is not mounted now is not gone, nor is what runs, nor what another machine
or container keeps in a home that both share. Given up are also ports that run
has kept for a folder of a project that is no service's, unless something listens
on them.

Example:
  devports prune --dry-run
  devports prune`,
	flags: []cli.Flag{
		boolean("dry-run", "", "only say what would be given up"),
		jsonFlag, registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		gone, err := r.Gone()
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
		verb := "given up"
		if c.Bool("dry-run") {
			verb = "would be given up"
		} else if leases, err = r.Prune(c.Context, leases); err != nil {
			return err
		}
		removed, failed := s.discardRuns(gone, all, c.Bool("dry-run"))
		if c.Bool("json") {
			return errors.Join(s.json(leaseRows(leases)), failed)
		}
		for _, l := range leases {
			why := text.OneLine(l.Scope.Directory) + " is gone"
			if l.Undeclared && exists(l.Scope.Directory) {
				why = "no service, but once that of a run"
			}
			if _, err := fmt.Fprintf(s.stdout, "%s %d of %s %s: %s\n", l.Name, l.Port, l.Scope, verb, why); err != nil {
				return err
			}
		}
		said := "removed what %s had left: %s\n"
		if c.Bool("dry-run") {
			said = "would remove what %s had left: %s\n"
		}
		if len(removed) > 0 {
			fmt.Fprintf(s.stdout, said, wording.Count(len(removed), "run"), text.OneLine(strings.Join(removed, ", ")))
		}
		if len(leases) == 0 && len(gone) == 0 && len(removed) == 0 && failed == nil {
			s.note("every folder is there")
		}
		return failed
	},
}

// withoutRuns returns those of the leases that no run uses, and notes the runs
// that use the others.
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
		s.note("%s runs (pid %d) and keeps its ports: devports down --dir %s ends it", scopeOfNote(i.Note), i.Note.PID, text.QuoteSh(i.Note.Directory))
		leases = slices.DeleteFunc(slices.Clone(leases), used)
	}
	return leases, nil
}

// usesLeases reports whether a run uses the ports of a scope, whose directory is
// perhaps not the one in which the run began.
func usesLeases(i control.Instance, scope registry.Scope) bool {
	return i.Note.Directory == scope.Directory || i.Note.Project == scope.Project && i.Note.Worktree == scope.Worktree && i.Note.Project != ""
}

// discardRuns removes what runs have left whose folder is gone, and returns the
// folders. What lives of one that was killed is left to doctor, and noted. A folder
// for which leases are kept that are not gone cannot be seen now.
func (s session) discardRuns(gone, all []registry.Lease, dryRun bool) (removed []string, err error) {
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	directories := map[string]string{} // by the lock of the slot
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
			s.note("the up of %s (pid %d) was killed, and what it has started lives: devports doctor --fix ends that", directory, i.Note.PID)
			continue
		}
		if !dryRun {
			failed := i.Discard()
			if errors.As(failed, new(*lockfile.HeldError)) {
				continue // a run has just begun there
			}
			err = errors.Join(err, failed)
		}
		removed = append(removed, directory)
	}
	return removed, err
}
