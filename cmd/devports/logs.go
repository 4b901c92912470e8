package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
)

var logsCommand = command{
	name:  "logs",
	usage: "show the output of services",
	args:  "[SERVICE…]",
	help: `
Shows the latest output of the running project: of all services, or of the named
ones; "devports" stands for devports' own lines. About one megabyte is kept.

Example:
  devports logs -n 50 auth
  devports logs -f
  devports logs --since 10m --json`,
	flags: append([]cli.Flag{
		boolean("follow", "f", "follow the output until the project stops"),
		&cli.IntFlag{Name: "n", Value: -1, Base: 10, Usage: "print only the last `N` lines", DefaultText: "all"},
		&cli.DurationFlag{Name: "since", Usage: "print only lines newer than `TIME`, such as 10m", DefaultText: "any"},
		boolean("raw", "", "pass all control sequences to the terminal"),
		jsonFlag, &cli.StringFlag{Name: "file", Usage: fileFlag.Usage}, // -f is taken
	}, runFlags...),
	completes: func(l line) []candidate {
		return append([]candidate{{Word: "devports", About: "devports' own lines"}}, services(l)...)
	},
	run: func(s session, c *cli.Context) error {
		i, scope, err := s.running(c)
		if err != nil {
			return err
		}
		q := control.LogQuery{Services: c.Args().Slice(), Last: c.Int("n"), Follow: c.Bool("follow")}
		if since := c.Duration("since"); since > 0 {
			q.Since = time.Now().Add(-since)
		}
		ctx, stop := signal.NotifyContext(c.Context, stopSignals()...)
		defer stop()
		out := s.stdout
		if file := fileOf(out); file != nil { // lines are made printable below, unless --raw
			out = file
		}
		err = i.Client().Logs(ctx, q, func(e control.LogEntry) error {
			switch {
			case e.Missed > 0:
				s.note("skipped %d lines that came too fast", e.Missed)
				return nil
			case c.Bool("json"):
				return s.jsonLine(e.Line)
			}
			line := e.Text
			if !c.Bool("raw") && isTerminal(s.stdout) {
				line = output.Printable(line)
			}
			_, err := fmt.Fprintf(out, "%s %s | %s\n", e.Time.Local().Format("15:04:05.000"), e.Service, line)
			return err
		})
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C ends logs -f
		}
		if errors.Is(err, syscall.EPIPE) {
			return nil // its reader has seen enough, like head
		}
		if err != nil {
			return requestFailed(scope, err)
		}
		return nil
	},
}
