package main

import (
	"fmt"

	"github.com/devports/devports/allocator/text"

	"github.com/urfave/cli/v2"
)

var pruneCommand = command{
	name:  "prune",
	usage: "give up the ports of projects whose folder is gone",
	help: `
Gives up the ports of every project and worktree whose folder is gone, and says
which. What is on a volume that is not mounted now is not gone.

Example:
  devports prune --dry-run
  devports prune`,
	flags: []cli.Flag{
		boolean("dry-run", "", "only say what would be given up"),
		registryFlag,
	},
	run: func(s session, c *cli.Context) error {
		if c.NArg() > 0 {
			return usage("devports rm "+c.Args().First(), "prune takes no names")
		}
		r, err := s.openRegistry(c)
		if err != nil {
			return err
		}
		leases, err := r.Gone()
		if err != nil {
			return err
		}
		said := "%s %d of %s given up: %s is gone\n"
		if c.Bool("dry-run") {
			said = "%s %d of %s would be given up: %s is gone\n"
		} else if leases, err = r.Prune(c.Context, leases); err != nil {
			return err
		}
		for _, l := range leases {
			if _, err := fmt.Fprintf(s.stdout, said, l.Name, l.Port, l.Scope, text.OneLine(l.Scope.Directory)); err != nil {
				return err
			}
		}
		if len(leases) == 0 {
			s.note("every folder is there")
		}
		return nil
	},
}
