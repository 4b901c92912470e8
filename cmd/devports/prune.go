package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

var pruneCommand = command{
	name:    "prune",
	instead: "devports rm %s",
	usage:   "give up the ports of projects whose folder is gone",
	help: `
Gives up the ports of every project and worktree whose folder is gone, and says
which. What is on a volume that is not mounted now is not gone, nor what another
machine or container keeps in a home that both share. Given up are also ports
that run has kept for a folder of a project that is no service's, unless
something listens on them.

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
		if c.Bool("json") {
			return s.json(leaseRows(leases))
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
		if len(leases) == 0 && len(gone) == 0 {
			s.note("every folder is there")
		}
		return nil
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
		used := func(l registry.Lease) bool { return l.Scope.Directory == i.Note.Directory }
		if i.Holder == nil || !slices.ContainsFunc(leases, used) {
			continue
		}
		s.note("the up of %s runs on and keeps its ports: devports down --dir %[2]s ends it", i.Note.Directory, text.QuoteSh(i.Note.Directory))
		leases = slices.DeleteFunc(slices.Clone(leases), used)
	}
	return leases, nil
}
