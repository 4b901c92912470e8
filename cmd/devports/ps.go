package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

var psCommand = command{
	name:  "ps",
	usage: "list services and their state",
	help: `
Lists the services of the running project. With --all it lists all of your
running projects with their services; the first word of each is the value for
--checkout. With --check it runs the ready checks again, and shows which
services no longer respond. With --watch it prints the services again whenever
one changes, until the run ends; with --json, a run on each line. On a terminal,
the new table replaces the old one.

Example:
  devports ps
  devports ps --watch
  devports ps --all --json`,
	flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "list the services of every project"},
		&cli.BoolFlag{Name: "check", Usage: "run the ready checks again"},
		&cli.BoolFlag{Name: "watch", Usage: "print the services again whenever one changes"},
		&cli.BoolFlag{Name: "socket", Usage: "print only the path of the control socket"},
		jsonFlag, fileFlag,
	}, runFlags...),
	run: func(s session, c *cli.Context) error {
		if c.Bool("watch") {
			if err := refuseWatch(c); err != nil {
				return err
			}
		}
		runs, scope, err := s.selectedRuns(c)
		if err != nil && s.describe(err).status == exitRunning && !c.Bool("all") {
			s.noteEnd(c)
		}
		if err != nil && c.Bool("json") && !c.Bool("watch") && s.describe(err).status == exitRunning {
			return errors.Join(s.json(runsOutput{Runs: []runInfo{}}), err)
		}
		switch {
		case err != nil:
			return err
		case c.Bool("socket"):
			for _, i := range runs {
				if i.Controllable() {
					fmt.Fprintln(s.stdout, i.Note.Socket)
				}
			}
			return nil
		case c.Bool("all"):
			return s.psAll(c, runs)
		case c.Bool("watch"):
			return s.psWatch(c, runs[0], scope)
		}
		a := queryAll(c, runs)[0]
		switch {
		case a.Err != nil:
			return requestFailed(scope, a.Err)
		case !a.Responded():
			return requestFailed(scope, launcher.ErrEnded)
		}
		s.noteRefused("", a.Info)
		s.addUsers(c, a.Info)
		if c.Bool("json") {
			return s.json(runsOutput{Runs: []runInfo{infoOf(a.Instance, a.Info)}})
		}
		return s.psTable(a.Info.Services)
	},
}

// selectedRuns returns the `up` here and its scope, or with --all every `up` of
// the user.
func (s session) selectedRuns(c *cli.Context) ([]control.Instance, registry.Scope, error) {
	if c.Bool("all") {
		runs, err := s.everyRun(c)
		return runs, registry.Scope{}, err
	}
	i, scope, err := s.running(c)
	return []control.Instance{i}, scope, err
}

// psTable prints services as a table.
func (s session) psTable(services []launcher.Status) error {
	var t table
	named := slices.ContainsFunc(services, isNamed)
	header := []string{"NAME", "STATE", "PORT", "PID", "SINCE", "RESTARTS"}
	if named {
		header = slices.Insert(header, 3, "ADDRESS")
	}
	t.add(header...)
	for _, st := range services {
		row := []string{st.Service, st.Label(), number(st.Port), number(st.PID), since(st.Since), fmt.Sprint(st.Restarts)}
		if named {
			row = slices.Insert(row, 3, dash(st.Address))
		}
		if st.Detail != "" {
			row = append(row, st.Detail)
		}
		t.add(row...)
	}
	return t.write(s.stdout)
}

// isNamed reports whether the address of a service does not follow from its
// port.
func isNamed(st launcher.Status) bool { return strings.Contains(st.Address, ".localhost:") }

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.TimeOnly)
}
