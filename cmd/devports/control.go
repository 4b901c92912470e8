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

// steering is a command that asks the run here for something and tells how the
// services named are then.
type steering struct {
	name, usage, help string
	flags             []cli.Flag

	// ask returns the services to wait for: those named, unless it is about more.
	ask  func(client control.Client, c *cli.Context, services []string) ([]string, error)
	good func(launcher.Status) bool
}

func (st steering) command() command {
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
				return steeringFailed(scope, err)
			}
			return s.await(c.Context, scope, client, names, waitOptions{c.Duration("timeout"), c.Bool("keep-waiting"), c.Bool("json")}, st.good)
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
}

// await waits until the outcome is known for the services, as long as o allows,
// and tells how they are then.
func (s session) await(ctx context.Context, scope registry.Scope, client control.Client, names []string, o waitOptions, good func(launcher.Status) bool) error {
	info, err := s.settled(ctx, client, names, o)
	if err != nil {
		return steeringFailed(scope, err)
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
		info, err = client.Status(ctx)
	}
	return info, err
}

// lastLines is how many lines of a service that has failed are shown.
const lastLines = 10

// showLastLines shows what the services that have failed have printed last, of
// those named or all, and those that they wait for in vain.
func (s session) showLastLines(ctx context.Context, client control.Client, info control.Info, names []string) {
	for _, failed := range failures(info.Services, names) {
		q := control.LogQuery{Services: []string{failed.Service}, Last: lastLines, Since: failed.Started}
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
		own := launcher.Blocker{Service: st.Service, State: st.State, Detail: st.Detail, Started: st.Started}
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
	return st.State == launcher.StateReady || st.State == launcher.StateDone
}

// isUpOrStopped is for all services: what its user has stopped is not meant.
func isUpOrStopped(st launcher.Status) bool { return isUp(st) || st.State == launcher.StateStopped }

func either(a, b func(launcher.Status) bool) func(launcher.Status) bool {
	return func(st launcher.Status) bool { return a(st) || b(st) }
}

// steeringFailed words what keeps a run from being steered.
func steeringFailed(scope registry.Scope, err error) error {
	var unknown *launcher.UnknownServiceError
	var unreachable *control.UnreachableError
	switch {
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
	case errors.Is(err, launcher.ErrOver):
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

// tellStatuses tells how the services named are, or all of them. A service that
// is not good makes the command fail.
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
		}
	}
	if slices.ContainsFunc(services, func(st launcher.Status) bool { return !good(st) }) {
		return failure{status: exitFailed}
	}
	return nil
}

// sentence is a service's status in words.
func sentence(st launcher.Status) string {
	text := st.Service + " is " + string(st.State)
	switch st.State {
	case launcher.StateReady:
		if st.Port > 0 {
			text += fmt.Sprintf(" on http://localhost:%d", st.Port)
		}
		return fmt.Sprintf("%s (pid %d)", text, st.PID)
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

var startCommand = steering{
	name: "start", usage: "start services that do not run", help: `
Starts services of the up that runs here, those that were stopped or have ended,
and what they depend on, and waits until they are ready. Without names, all of
them. It ends with status 1 as soon as one has failed, or waits for one that has.

Example:
  devports start auth`,
	flags: []cli.Flag{keepWaitingFlag}, ask: asking(control.Client.Start), good: isUp,
}.command()

var stopCommand = steering{
	name: "stop", usage: "stop services, and leave the others running", help: `
Stops services of the up that runs here, which goes on, and returns when they
have ended. Without names, all of them.

Example:
  devports stop auth`,
	ask: asking(control.Client.Stop), good: launcher.Status.Ended,
}.command()

var restartCommand = steering{
	name: "restart", usage: "start services anew", help: `
Starts services of the up that runs here anew, in order, and waits until they are
ready; the exit status is 1 if they are not in time, or as soon as one has failed.
What they depend on is started if it does not run. Without names, all of them.

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

var waitCommand = steering{
	name: "wait", usage: "wait until services are ready", help: `
Waits until services of the up that runs here are ready, or have done their work
and ended. The exit status is 1 if they are not in time, or as soon as one has
failed, or waits for one that has; what that printed last is shown.

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
them is left.

Example:
  devports down`,
	flags: append([]cli.Flag{fileFlag}, runFlags...),
	run: func(s session, c *cli.Context) error {
		i, scope, err := s.running(c)
		if err != nil {
			return err
		}
		err = i.Client().Down(c.Context)
		if errors.As(err, new(*control.UnreachableError)) {
			err = i.Terminate()
		}
		if err != nil {
			return steeringFailed(scope, err)
		}
		if err := i.AwaitEnd(c.Context); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "%s is down\n", scope)
		return err
	},
}

var psCommand = command{
	name:  "ps",
	usage: "list the services that run",
	help: `
Lists the services of the up that runs here; with --all, those of every up of
yours.

Example:
  devports ps
  devports ps --all --json`,
	flags: append([]cli.Flag{
		boolean("all", "a", "list the services of every project"),
		boolean("socket", "", "print only the path of the socket that the run is steered by"),
		jsonFlag, fileFlag,
	}, runFlags...),
	run: func(s session, c *cli.Context) error {
		runs, scope, err := s.asked(c)
		if err != nil && c.Bool("json") && s.explain(err).status == exitRunning {
			return errors.Join(s.json([]control.Info{}), err)
		}
		if err != nil {
			return err
		}
		if c.Bool("socket") {
			for _, i := range runs {
				fmt.Fprintln(s.stdout, i.Note.Socket)
			}
			return nil
		}
		infos := []control.Info{}
		for _, i := range runs {
			info, err := i.Client().Status(c.Context)
			if err != nil && c.Bool("all") {
				continue // it has just ended
			}
			if err != nil {
				return steeringFailed(scope, err)
			}
			infos = append(infos, info)
		}
		if c.Bool("json") {
			return s.json(infos)
		}
		return s.psTable(infos, c.Bool("all"))
	},
}

// asked are the `up` here, with its scope, or with --all every one of this user.
func (s session) asked(c *cli.Context) ([]control.Instance, registry.Scope, error) {
	if !c.Bool("all") {
		i, scope, err := s.running(c)
		return []control.Instance{i}, scope, err
	}
	everyone := registry.Scope{}
	if c.String("dir") != "" || c.String("checkout") != "" {
		return nil, everyone, usage("", "--all shows every run: leave --dir and --checkout out")
	}
	folder, err := s.runs()
	if err != nil {
		return nil, everyone, err
	}
	runs := slices.DeleteFunc(folder.Instances(), func(i control.Instance) bool { return !i.Steerable() })
	if len(runs) == 0 {
		return nil, everyone, fail(exitRunning, "devports up starts a project", "nothing runs")
	}
	return runs, everyone, nil
}

// psTable prints services for people to read.
func (s session) psTable(infos []control.Info, all bool) error {
	var t table
	header := []string{"NAME", "STATE", "PORT", "PID", "SINCE", "RESTARTS"}
	if all {
		header = slices.Concat([]string{"PROJECT", "WORKTREE"}, header)
	}
	t.add(header...)
	for _, info := range infos {
		for _, st := range info.Services {
			row := []string{st.Service, string(st.State), number(st.Port), number(st.PID), since(st.Since), fmt.Sprint(st.Restarts)}
			if st.Detail != "" {
				row = append(row, st.Detail)
			}
			if all {
				row = slices.Concat([]string{dash(info.Project), dash(info.Worktree)}, row)
			}
			t.add(row...)
		}
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
