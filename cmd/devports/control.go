package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/registry"
)

// requestCommand is a command that asks the run here for something and tells how the
// services named are then.
type requestCommand struct {
	name, usage, help string
	flags             []cli.Flag

	// ask returns the services to wait for: those named, unless it is about more.
	ask  func(client control.Client, c *cli.Context, services []string) ([]string, error)
	good func(launcher.Status) bool
}

func (st requestCommand) command() command {
	return command{
		name: st.name, usage: st.usage, args: "[SERVICE…]", help: st.help,
		flags:     slices.Concat([]cli.Flag{timeoutFlag}, st.flags, []cli.Flag{jsonFlag, fileFlag}, runFlags),
		completes: services,
		run: func(s session, c *cli.Context) error {
			i, scope, err := s.running(c)
			if err != nil {
				return err
			}
			client := i.Client()
			names, err := st.ask(client, c, c.Args().Slice())
			if err != nil {
				return requestFailed(scope, err)
			}
			return s.await(c.Context, scope, client, names, waitOptions{c.Duration("timeout"), c.Bool("keep-waiting"), c.Bool("json"), st.name == "stop"}, st.good)
		},
	}
}

var (
	timeoutFlag = &cli.DurationFlag{
		Name: "timeout", Value: time.Minute, Usage: "wait at most for `TIME`", DefaultText: "1m",
	}
	keepWaitingFlag = boolean("keep-waiting", "", "wait on when a service has failed, for somebody who fixes it meanwhile")
)

// waitOptions say how long a command waits, and how it then prints what it sees.
type waitOptions struct {
	timeout time.Duration
	keep    bool // after failures, too
	json    bool
	refused bool // that an edit is not followed is no failure
}

// await waits until the outcome is known for the services, as long as o allows,
// and tells how they are then.
func (s session) await(ctx context.Context, scope registry.Scope, client control.Client, names []string, o waitOptions, good func(launcher.Status) bool) error {
	info, err := s.settled(ctx, client, names, o)
	if err != nil {
		return requestFailed(scope, err)
	}
	if o.refused {
		s.noteRefused("", info)
		info.Refused = nil
	}
	if len(names) == 0 { // what its user has stopped is not meant
		good = either(good, func(st launcher.Status) bool { return st.State == launcher.StateStopped })
	}
	err = s.tellStatuses(info, names, o.json, good)
	if err != nil {
		s.showLastLines(ctx, client, info, names)
	}
	return err
}

// settled waits like await, and returns how the services are then.
func (s session) settled(ctx context.Context, client control.Client, names []string, o waitOptions) (control.Info, error) {
	bounded, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	wait := client.Wait
	if o.keep {
		wait = client.WaitUp
	}
	info, err := wait(bounded, names...)
	if errors.Is(err, context.DeadlineExceeded) {
		info, err = client.Check(ctx)
	}
	return info, err
}

// lastLines is how many lines of a service that has failed are shown.
const lastLines = 10

// showLastLines shows what the services that have failed have printed last, of
// those named or all, and those that they wait for in vain.
func (s session) showLastLines(ctx context.Context, client control.Client, info control.Info, names []string) {
	for _, failed := range failures(info.Services, names) {
		q := control.LogQuery{Services: []string{failed.Service}, Last: lastLines, Since: failed.LastStarted}
		err := client.Logs(ctx, q, func(e control.LogEntry) error {
			line := e.Text
			if isTerminal(s.stderr) {
				line = output.Printable(line)
			}
			_, err := fmt.Fprintf(s.stderr, "%s | %s\n", e.Service, line)
			return err
		})
		if err != nil {
			return // the run has ended; what it was about has been said
		}
	}
}

// failures are the services that have failed, of those named or all, or for which
// they wait in vain, by name.
func failures(all []launcher.Status, names []string) (failed []launcher.Blocker) {
	for _, st := range all {
		own := launcher.Blocker{Service: st.Service, State: st.State, Detail: st.Detail, LastStarted: st.LastStarted}
		for _, b := range []launcher.Blocker{own, st.BlockedBy} {
			wanted := len(names) == 0 || slices.Contains(names, st.Service)
			known := slices.ContainsFunc(failed, func(f launcher.Blocker) bool { return f.Service == b.Service })
			if wanted && !known && b.State == launcher.StateFailed {
				failed = append(failed, b)
			}
		}
	}
	slices.SortFunc(failed, func(a, b launcher.Blocker) int { return strings.Compare(a.Service, b.Service) })
	return failed
}

// isUp reports whether a service is as its user wants it that wants it up.
func isUp(st launcher.Status) bool {
	up := st.State == launcher.StateReady && !st.Unresponsive || st.State == launcher.StateDone
	return up && st.Build == ""
}

// isUpOrStopped is for all services: what its user has stopped is not meant.
func isUpOrStopped(st launcher.Status) bool { return isUp(st) || st.State == launcher.StateStopped }

func either(a, b func(launcher.Status) bool) func(launcher.Status) bool {
	return func(st launcher.Status) bool { return a(st) || b(st) }
}

// requestFailed words what keeps a run from being steered.
func requestFailed(scope registry.Scope, err error) error {
	var unknown *launcher.UnknownServiceError
	var unreachable *control.UnreachableError
	var silent *control.UnresponsiveError
	switch {
	case errors.As(err, &silent):
		return doesNotAnswer(scope, silent)
	case errors.As(err, &unknown):
		f := failure{status: exitUsage}
		for _, name := range unknown.Names {
			hint := "it runs " + wording.List(unknown.Known)
			if near, ok := text.Nearest(name, unknown.Known); ok {
				hint = "did you mean " + near + "?"
			}
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s does not run a service %s", scope, name), hint})
		}
		return f
	case errors.Is(err, launcher.ErrEnded):
		return fail(exitRunning, "", "%s is ending", scope)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unreachable):
		cause := unreachable.Err
		if dial := (*net.OpError)(nil); errors.As(cause, &dial) && dial.Addr != nil {
			cause = fmt.Errorf("its socket is %s: %w", dial.Addr, dial.Err)
		}
		return fail(exitFailed, "devports down ends it", "%s (pid %d) cannot be reached: %v", scope, unreachable.PID, cause)
	}
	return fail(exitFailed, "", "%s does not answer: %v", scope, err)
}

// doesNotAnswer says what to do about a run that lives and does not answer.
func doesNotAnswer(scope registry.Scope, silent *control.UnresponsiveError) failure {
	end := "devports down --kill ends it"
	if silent.Suspended {
		return fail(exitFailed, end, "%s does not answer (pid %d is stopped: fg, or kill -CONT %[2]d)", scope, silent.PID)
	}
	return fail(exitFailed, end, "%s does not answer (pid %d)", scope, silent.PID)
}

// tellStatuses tells how the services named are, or all of them. A service that
// is not good makes the command fail, as does an edit that the run does not
// follow.
func (s session) tellStatuses(info control.Info, names []string, json bool, good func(launcher.Status) bool) error {
	services := info.Services
	if len(names) > 0 {
		services = slices.DeleteFunc(services, func(st launcher.Status) bool { return !slices.Contains(names, st.Service) })
	}
	if json {
		if err := s.json(append([]launcher.Status{}, services...)); err != nil {
			return err
		}
	} else {
		for _, st := range services {
			fmt.Fprintln(s.stdout, sentence(st))
			for _, line := range st.BuildLines {
				fmt.Fprintln(s.stdout, "  "+line)
			}
		}
	}
	f := failure{status: exitFailed}
	for _, r := range info.Refused {
		f.lines = append(f.lines, errorLine{r.Text, r.Hint})
	}
	if len(f.lines) > 0 {
		f.lines = append(f.lines, errorLine{text: editRefused})
	}
	if len(f.lines) > 0 || slices.ContainsFunc(services, func(st launcher.Status) bool { return !good(st) }) {
		return f
	}
	return nil
}

const editRefused = "the latest edit is not followed; the services run on as before"

// noteRefused prints why a run does not follow an edit, if so. run names it where
// there are several.
func (s session) noteRefused(run string, info control.Info) {
	for _, r := range info.Refused {
		s.complain("note", "36", run+r.Text)
		if r.Hint != "" {
			s.complain("hint", "36", r.Hint)
		}
	}
	if len(info.Refused) > 0 {
		s.complain("note", "36", run+editRefused)
	}
}

// sentence is a service's status in words.
func sentence(st launcher.Status) string {
	text := st.Service + " is " + st.Label()
	switch st.State {
	case launcher.StateReady:
		text = st.Service + " is ready"
		if st.Port > 0 {
			text += fmt.Sprintf(" on http://localhost:%d", st.Port)
		}
		text += fmt.Sprintf(" (pid %d)", st.PID)
		switch {
		case st.Unresponsive:
			text += ", but " + st.Detail
		case st.Build == launcher.BuildFailure:
			text += ", but its " + st.Detail
		case st.Build != "":
			text += ", and is being built"
		case st.Outdated:
			text += ", and " + st.Detail
		}
		return text
	case launcher.StateFailed:
		return st.Service + " has failed: " + st.Detail
	case launcher.StateWaiting:
		if (st.BlockedBy == launcher.Blocker{}) {
			break
		}
		text = st.Service + " " + st.Detail
		if st.BlockedBy.Detail != "" {
			text += ": " + st.BlockedBy.Detail
		}
		return text
	}
	if st.Detail != "" {
		text += ": " + st.Detail
	}
	return text
}

// asking is what a command asks of the services that it names.
func asking(ask func(client control.Client, ctx context.Context, services ...string) (control.Info, error)) func(control.Client, *cli.Context, []string) ([]string, error) {
	return func(client control.Client, c *cli.Context, services []string) ([]string, error) {
		_, err := ask(client, c.Context, services...)
		return services, err
	}
}

var startCommand = withFreePorts(requestCommand{
	name: "start", usage: "start services that do not run", help: `
Starts services of the up that runs here, those that were stopped or have ended,
and what they depend on, and waits until they are ready. Without names, all of
them. It ends with status 1 as soon as one has failed, or waits for one that has.

Example:
  devports start auth`,
	flags: []cli.Flag{keepWaitingFlag}, ask: asking(control.Client.Start), good: isUp,
}.command())

var stopCommand = requestCommand{
	name: "stop", usage: "stop services, and leave the others running", help: `
Stops services of the up that runs here, which goes on, and returns when they
have ended. Without names, all of them.

Example:
  devports stop auth`,
	ask: asking(control.Client.Stop), good: launcher.Status.Ended,
}.command()

var restartCommand = requestCommand{
	name: "restart", usage: "start services anew", help: `
Starts services of the up that runs here anew, in order, and waits until they are
ready; the exit status is 1 if they are not in time, or as soon as one has failed.
What they depend on is started if it does not run. One that has a build is built
first, and goes on as it is if that fails: the exit status is 1 then, too. Without
names, all of them.

Example:
  devports restart auth
  devports restart --dependents db
  devports restart --timeout 10s auth`,
	flags: []cli.Flag{
		boolean("dependents", "", "restart what depends on the services, too"), keepWaitingFlag,
	},
	ask: restart, good: isUp,
}.command()

// restart restarts the services named, or with --dependents those that depend on
// them as well, and returns their names.
func restart(client control.Client, c *cli.Context, names []string) ([]string, error) {
	if c.Bool("dependents") && len(names) > 0 {
		info, err := client.Status(c.Context)
		if err != nil {
			return nil, err
		}
		names = slices.Concat(names, launcher.Dependents(info.Services, names...))
	}
	_, err := client.Restart(c.Context, names...)
	return names, err
}

var waitCommand = requestCommand{
	name: "wait", usage: "wait until services are ready", help: `
Waits until services of the up that runs here are ready, or have done their work
and ended. Edits made before count: what is ready then has read them. The exit
status is 1 if they are not in time, or as soon as one has failed, or waits for
one that has, or if the latest build of one has failed; what that printed last is
shown. It is 1, too, if the Portfile or an env file has mistakes, so that the
latest edit is not followed.

Example:
  devports wait
  devports wait --timeout 30s auth db
  devports wait --keep-waiting && npm test`,
	flags: []cli.Flag{keepWaitingFlag},
	ask:   func(_ control.Client, _ *cli.Context, services []string) ([]string, error) { return services, nil },
	good:  isUp,
}.command()

var downCommand = command{
	name:    "down",
	instead: "devports stop %s",
	usage:   "end the up that runs here",
	help: `
Ends the up that runs here and all of its services, and returns when nothing of
them is left; with --all, every up of yours. The exit status is 1 if one of these
does not end. With --kill it asks nobody: it sends SIGKILL to the up, and ends all
that this has started, for an up that does not answer any more.

Example:
  devports down
  devports down --all
  devports down --kill`,
	flags: append([]cli.Flag{
		boolean("all", "a", "end every up of yours"),
		boolean("kill", "", "end it with SIGKILL, for one that does not answer"),
		fileFlag,
	}, runFlags...),
	run: func(s session, c *cli.Context) error {
		if c.Bool("all") {
			return s.downAll(c)
		}
		i, scope, err := s.runningOrReplaced(c)
		if err != nil {
			return err
		}
		if c.Bool("kill") {
			return s.kill(c.Context, i, scope)
		}
		if err := down(c.Context, i, scope); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "%s is down\n", scope)
		return err
	},
}

// down ends a run, and returns when it has ended.
func down(ctx context.Context, i control.Instance, scope registry.Scope) error {
	err := i.Client().Down(ctx)
	if errors.As(err, new(*control.UnreachableError)) {
		err = i.Terminate()
	}
	if err != nil {
		return requestFailed(scope, err)
	}
	if err := awaitEnd(ctx, i, scope); err != nil {
		return err
	}
	return i.Forget() // a signal leaves it to be brought back
}

// awaitEnd waits until a run that was asked to end has ended, unless it is stopped
// meanwhile.
func awaitEnd(ctx context.Context, i control.Instance, scope registry.Scope) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		err := i.AwaitEnd(bounded)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case i.Suspended():
			return doesNotAnswer(scope, &control.UnresponsiveError{PID: i.Note.PID, Suspended: true})
		}
	}
}

// kill ends a run with SIGKILL, and says what that was.
func (s session) kill(ctx context.Context, i control.Instance, scope registry.Scope) error {
	ended, err := i.Kill(ctx, leftGrace)
	if err == nil {
		err = i.Forget()
	}
	switch {
	case errors.Is(err, launcher.ErrEnded):
		return requestFailed(scope, err)
	case err != nil:
		return fail(exitFailed, "", "%s (pid %d) was not ended: %v", scope, i.Note.PID, err)
	}
	what := ""
	if len(ended) > 0 {
		what = "; " + tellEnded("ended what it had started: ", ended)
	}
	_, err = fmt.Fprintf(s.stdout, "%s is down: killed pid %d%s\n", scope, i.Note.PID, what)
	return err
}

var psCommand = command{
	name:  "ps",
	usage: "list the services that run",
	help: `
Lists the services of the up that runs here; with --all, every up of yours, and
its services. The first word of each is what --checkout takes. With --check,
services that are ready are asked once more whether they answer.

Example:
  devports ps
  devports ps --all --json`,
	flags: append([]cli.Flag{
		boolean("all", "a", "list the services of every project"),
		boolean("check", "", "ask services that are ready once more: does each answer now?"),
		boolean("socket", "", "print only the path of the socket that the run is steered by"),
		jsonFlag, fileFlag,
	}, runFlags...),
	run: func(s session, c *cli.Context) error {
		runs, scope, err := s.asked(c)
		if err != nil && c.Bool("json") && s.explain(err).status == exitRunning {
			return errors.Join(s.json([]runInfo{}), err)
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
		}
		a := askAll(c, runs)[0]
		switch {
		case a.Err != nil:
			return requestFailed(scope, a.Err)
		case !a.Responded():
			return requestFailed(scope, launcher.ErrEnded)
		}
		s.noteRefused("", a.Info)
		if c.Bool("json") {
			return s.json([]runInfo{infoOf(a.Instance, a.Info)})
		}
		return s.psTable(a.Info.Services)
	},
}

// asked are the `up` here, with its scope, or with --all every one of this user.
func (s session) asked(c *cli.Context) ([]control.Instance, registry.Scope, error) {
	if c.Bool("all") {
		runs, err := s.everyRun(c)
		return runs, registry.Scope{}, err
	}
	i, scope, err := s.running(c)
	return []control.Instance{i}, scope, err
}

// psTable prints services for people to read.
func (s session) psTable(services []launcher.Status) error {
	var t table
	t.add("NAME", "STATE", "PORT", "PID", "SINCE", "RESTARTS")
	for _, st := range services {
		row := []string{st.Service, st.Label(), number(st.Port), number(st.PID), since(st.Since), fmt.Sprint(st.Restarts)}
		if st.Detail != "" {
			row = append(row, st.Detail)
		}
		t.add(row...)
	}
	return t.write(s.stdout)
}

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
