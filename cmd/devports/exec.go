package main

import (
	"flag"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/complete"
)

var execCommand = command{
	name:  "exec",
	usage: "run a command with the environment of a service, like run -s",
	args:  "SERVICE -- COMMAND [ARG…]",
	help: `
Runs COMMAND with the environment of SERVICE: devports exec web -- npm test is
another spelling of devports run -s web -- npm test, with the same options.

Example:
  devports exec web -- npm test
  devports exec --in-dir web -- npm install
  devports exec --up web -- npx playwright test`,
	flags: runCommand.flags[1:], // all but --service
	completes: func(l line) []candidate {
		switch {
		case len(l.args) == 0:
			return services(l)
		case len(l.args) > 1 && l.args[1] == "--":
			return []candidate{complete.CommandLine(l.start + 2)}
		}
		return []candidate{complete.CommandLine(l.start + 1)}
	},
	verbatim: true,
	run: func(s session, c *cli.Context) error {
		const example = "devports exec web -- npm test"
		name, argv := c.Args().First(), c.Args().Tail()
		switch {
		case name == "" || name == "--":
			return fail(exitRunFailed, example, "exec requires a service and a command")
		case len(argv) > 0 && argv[0] != "--" && strings.HasPrefix(argv[0], "-"):
			return fail(exitRunFailed, "options precede the service: "+example, "exec takes a command after %s, not %s", name, argv[0])
		}
		inner := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
		inner.String("service", "", "")
		if err := inner.Parse(slices.Concat([]string{"--service=" + name, "--"}, argv)); err != nil {
			return err
		}
		behind := cli.NewContext(c.App, inner, c) // the options are still found in c
		behind.Command = c.Command
		return runCommand.run(s, behind)
	},
}
