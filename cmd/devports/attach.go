package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/registry"
)

var attachCommand = command{
	name:  "attach",
	usage: "show the live view of a run in the background",
	args:  "[SERVICE]",
	help: `
Shows the live view of the running project, with all its keys, as devports up
does in the foreground; with SERVICE it begins with the output of that service.
Several terminals may be attached at once.

Key d leaves the view, and so does Ctrl-C: the services continue. Key q stops
them. Key a sends what you type to a service, until Ctrl-]. If a terminal does
not keep up with the output, lines are skipped, and their number is shown.

The exit status is 0 if you leave the view or the run ends, and 1 if the run was
killed or the connection to it was lost.

Example:
  devports up -d && devports attach
  devports attach web
  devports attach --checkout shop/fix`,
	flags: append([]cli.Flag{
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "colour service names: `WHEN` is auto, always or never"},
		fileFlag,
	}, runFlags...),
	completes: one(line.servicesOfRun),
	run:       attach,
}

// attach shows a run of another process until the user leaves or the run ends.
func attach(s session, c *cli.Context) error {
	color, err := s.colored(c.String("color"), s.stdout)
	if err != nil {
		return err
	}
	i, scope, err := s.running(c)
	if err != nil {
		if s.describe(err).status == exitRunning {
			s.noteEnd(c)
		}
		return inBackground(err)
	}
	remote, err := i.Client().Open(c.Context)
	if err != nil {
		return requestFailed(scope, err)
	}
	defer remote.Close()
	a := attached{session: s, instance: i, scope: scope, remote: remote, service: cmp.Or(append(s.expandGroups(c, scope, i, c.Args().Slice()), "")...)}
	if err := a.check(); err != nil {
		return err
	}
	window, _, unwatch := s.window()
	defer unwatch()
	if a.console = s.console(upOptions{}, window); a.console == nil {
		return usage("devports logs -f", "attach requires a terminal%s", s.unsuitable(window))
	}
	how := a.show(c.Context, color, window)
	return a.report(c, how)
}

// unsuitable is why this terminal cannot show a live view, at the end of a
// sentence; "" if there is none.
func (s session) unsuitable(window func() terminal.Size) string {
	switch {
	case !isTerminal(s.stdin) || !isTerminal(s.stdout):
		return ""
	case window == nil || s.getenv("TERM") == "":
		return ` that can move its cursor, and TERM is "` + s.getenv("TERM") + `"`
	case window().Rows < view.MinRows:
		return fmt.Sprintf(" with at least %d rows, and this one has %d", view.MinRows, window().Rows)
	case s.unattended() != "":
		return ", and " + s.unattended() + " is set"
	}
	return " in whose foreground it runs"
}

// inBackground replaces the hint of an error that says that nothing runs.
func inBackground(err error) error {
	var f failure
	if errors.As(err, &f) && f.status == exitRunning {
		for i := range f.lines {
			if f.lines[i].hint == "to start it: devports up" {
				f.lines[i].hint = "to start it: devports up -d"
			}
		}
		return f
	}
	return err
}

// attached is a run that is shown in this terminal.
type attached struct {
	session  session
	instance control.Instance
	scope    registry.Scope
	remote   *control.Remote
	service  string // is shown at first; "" for all
	console  *view.Console
}

// check returns an error unless the service runs, or ran.
func (a attached) check() error {
	if a.service == "" {
		return nil
	}
	info := a.remote.Info()
	if slices.Contains(info.Inactive, a.service) {
		return usage("devports start "+a.service, "%s is not started", a.service)
	}
	known := statusNames(info.Services)
	if slices.Contains(known, a.service) {
		return nil
	}
	return requestFailed(a.scope, &launcher.UnknownServiceError{Names: []string{a.service}, Known: known})
}

// statusNames are the names of services, in the order of their file.
func statusNames(services []launcher.Status) (names []string) {
	services = slices.SortedStableFunc(slices.Values(services), func(a, b launcher.Status) int { return a.Position - b.Position })
	for _, st := range services {
		names = append(names, st.Service)
	}
	return names
}

// report prints what happened to the run.
func (a attached) report(c *cli.Context, end viewEnd) error {
	s := a.session
	if end == leftRun {
		s.note("%s is still running: devports attach shows it again, devports down stops it", a.scope)
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Context, endTimeout)
	defer cancel()
	if err := a.instance.AwaitEnd(ctx); err != nil {
		return fail(exitFailed, "devports ps shows whether it runs", "lost the connection to %s", a.scope)
	}
	if a.instance.Slot.Instance().Killed() {
		return fail(exitFailed, "devports logs shows its last output", "%s was killed", a.scope)
	}
	l, err := s.findLogs(c)
	if err == nil && !l.live && l.runs[0].ID == a.instance.Note.ID {
		s.note("%s", formatEnd(l.runs[0]))
		return nil
	}
	s.note("%s has ended", a.scope)
	return nil
}

// endTimeout is how long a run may take to end after it has closed its socket.
const endTimeout = 10 * time.Second
