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
	"github.com/devports/devports/registry"
)

// requestCommand is a command that sends a request to the run here, waits, and
// prints the status of the services.
type requestCommand struct {
	name, usage, help string
	flags             []cli.Flag

	// request returns the services to wait for: the named ones, or more.
	request func(client control.Client, c *cli.Context, services []string) ([]string, error)
	good    func(launcher.Status) bool
}

func (st requestCommand) command() command {
	return command{
		name: st.name, usage: st.usage, args: "[SERVICE…]", help: st.help,
		flags:     slices.Concat([]cli.Flag{timeoutFlag}, st.flags, []cli.Flag{jsonFlag, fileFlag}, runFlags),
		completes: services,
		run: func(s session, c *cli.Context) error {
			i, scope, err := s.running(c)
			if err != nil {
				if st.name == "wait" && s.describe(err).status == exitRunning {
					s.noteEnd(c)
				}
				return err
			}
			client := i.Client()
			names, err := st.request(client, c, c.Args().Slice())
			if err != nil {
				return requestFailed(scope, err)
			}
			return s.await(c.Context, scope, client, names, waitOptions{c.Duration("timeout"), c.Bool("keep-waiting"), c.Bool("json"), st.name == "stop"}, st.good)
		},
	}
}

var (
	timeoutFlag = &cli.DurationFlag{
		Name: "timeout", Value: time.Minute, Usage: "wait at most `TIME`", DefaultText: "1m",
	}
	keepWaitingFlag = boolean("keep-waiting", "", "keep waiting when a service fails, while you fix it")
)

// waitOptions are how long a command waits, and how it prints the result.
type waitOptions struct {
	timeout time.Duration
	keep    bool // keep waiting after a failure
	json    bool
	refused bool // a refused edit is no failure
}

// await waits until the services are settled, or the timeout of o, and prints
// their status.
func (s session) await(ctx context.Context, scope registry.Scope, client control.Client, names []string, o waitOptions, good func(launcher.Status) bool) error {
	info, err := s.awaitSettled(ctx, client, names, o)
	if err != nil {
		return requestFailed(scope, err)
	}
	if o.refused {
		s.noteRefused("", info)
		info.Refused = nil
	}
	if len(names) == 0 { // a service that the user has stopped is no failure
		good = either(good, func(st launcher.Status) bool { return st.State == launcher.StateStopped })
	}
	err = s.printStatuses(info, names, o.json, good)
	if err != nil {
		s.printLastLines(ctx, client, info, names)
	}
	return err
}

// awaitSettled waits like await, and returns the status.
func (s session) awaitSettled(ctx context.Context, client control.Client, names []string, o waitOptions) (control.Info, error) {
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

// lastLines is the number of lines to print of a failed service.
const lastLines = 10

// printLastLines prints the last output of the failed services among names
// (none stands for all), and of the failed services that those wait for.
func (s session) printLastLines(ctx context.Context, client control.Client, info control.Info, names []string) {
	for _, failed := range failures(info.Services, names) {
		q := control.LogQuery{Services: []string{failed.Service}, Last: lastLines, Since: failed.LastStarted}
		err := client.Logs(ctx, q, func(e control.LogEntry) error {
			s.printLine(e.Service, e.Text)
			return nil
		})
		if err != nil {
			return // the run has ended, which was already reported
		}
	}
}

// failures are the failed services among names (none stands for all), and the
// failed services that those wait for, by name.
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

// isUp reports whether a service is up: ready and responsive, or done.
func isUp(st launcher.Status) bool {
	up := st.State == launcher.StateReady && !st.Unresponsive || st.State == launcher.StateDone
	return up && st.Build == ""
}

// isUpOrStopped is isUp for commands without names, where a service that the
// user has stopped is no failure.
func isUpOrStopped(st launcher.Status) bool { return isUp(st) || st.State == launcher.StateStopped }

func either(a, b func(launcher.Status) bool) func(launcher.Status) bool {
	return func(st launcher.Status) bool { return a(st) || b(st) }
}

// requestFailed describes why a request to a run failed.
func requestFailed(scope registry.Scope, err error) error {
	var unknown *launcher.UnknownServiceError
	var unreachable *control.UnreachableError
	var silent *control.UnresponsiveError
	switch {
	case errors.As(err, &silent):
		return unresponsive(scope, silent)
	case errors.As(err, &unknown):
		f := failure{status: exitUsage}
		for _, name := range unknown.Names {
			hint := "its services are " + wording.List(unknown.Known)
			if near, ok := text.Nearest(name, unknown.Known); ok {
				hint = "did you mean " + near + "?"
			}
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s has no service %s", scope, name), hint})
		}
		return f
	case errors.Is(err, launcher.ErrEnded):
		return fail(exitRunning, "once it has ended, start it again: devports up", "%s is stopping", scope)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unreachable):
		cause := unreachable.Err
		if dial := (*net.OpError)(nil); errors.As(cause, &dial) && dial.Addr != nil {
			cause = fmt.Errorf("socket %s: %w", dial.Addr, dial.Err)
		}
		return fail(exitFailed, "to stop it: devports down", "cannot connect to %s (pid %d): %v", scope, unreachable.PID, cause)
	}
	return fail(exitFailed, "to kill it: devports down --kill", "%s does not respond: %v", scope, err)
}

// unresponsive describes a run that lives and does not respond.
func unresponsive(scope registry.Scope, silent *control.UnresponsiveError) failure {
	if silent.Suspended {
		return fail(exitFailed, fmt.Sprintf("resume it with fg or kill -CONT %d, or kill it with devports down --kill", silent.PID),
			"%s does not respond: pid %d is suspended", scope, silent.PID)
	}
	return fail(exitFailed, "to kill it: devports down --kill", "%s does not respond (pid %d)", scope, silent.PID)
}

// printStatuses prints the status of the named services, or of all. The error
// is a failure if a service is not good, or if the run did not apply the latest
// edit.
func (s session) printStatuses(info control.Info, names []string, json bool, good func(launcher.Status) bool) error {
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
			fmt.Fprintln(s.stdout, formatStatus(st))
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

const editRefused = "the latest edit was not applied; services keep running"

// noteRefused prints why a run did not apply the latest edit, if so. run is a
// prefix that names the run.
func (s session) noteRefused(run string, info control.Info) {
	for _, r := range info.Refused {
		s.printMessage("note", "36", run+r.Text)
		if r.Hint != "" {
			s.printMessage("hint", "36", r.Hint)
		}
	}
	if len(info.Refused) > 0 {
		s.printMessage("note", "36", run+editRefused)
	}
}

// formatStatus formats a service's status as a sentence.
func formatStatus(st launcher.Status) string {
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
		case st.BlockedBy != launcher.Blocker{}:
			text += ", but " + st.Detail
		case st.Build != "":
			text += ", with a build running"
		case st.Outdated:
			text += ", and " + st.Detail
		}
		return text
	case launcher.StateFailed:
		return st.Service + " failed: " + st.Detail
	case launcher.StateBackoff:
		return st.Service + " " + st.Detail
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

// requesting is a request about the services that the command line names.
func requesting(request func(client control.Client, ctx context.Context, services ...string) (control.Info, error)) func(control.Client, *cli.Context, []string) ([]string, error) {
	return func(client control.Client, c *cli.Context, services []string) ([]string, error) {
		_, err := request(client, c.Context, services...)
		return services, err
	}
}

var startCommand = withFreePorts(requestCommand{
	name: "start", usage: "start stopped services", help: `
Starts the named services of the running project, if they were stopped or have
ended, and their dependencies, and waits until they are ready. Without names it
starts all. The exit status is 1 as soon as one fails, or waits for one that has
failed.

Example:
  devports start auth`,
	flags: []cli.Flag{keepWaitingFlag}, request: requesting(control.Client.Start), good: isUp,
}.command())

var stopCommand = requestCommand{
	name: "stop", usage: "stop services", help: `
Stops the named services of the running project, and returns when they have
ended. devports up keeps running, even without services. Without names it stops
all.

Example:
  devports stop auth`,
	request: requesting(control.Client.Stop), good: launcher.Status.Ended,
}.command()

var restartCommand = requestCommand{
	name: "restart", usage: "restart services", help: `
Restarts the named services of the running project, in dependency order, and
waits until they are ready. Without names it restarts all. Dependencies that are
not running are started. A service with a build is built first; if the build
fails, its old process keeps running. The exit status is 1 if a service is not
ready in time, or as soon as one fails or its build does.

Example:
  devports restart auth
  devports restart --dependents db
  devports restart --timeout 10s auth`,
	flags: []cli.Flag{
		boolean("dependents", "", "also restart the services that depend on them"), keepWaitingFlag,
	},
	request: restart, good: isUp,
}.command()

// restart restarts the named services, and with --dependents those that depend
// on them, and returns the names of all.
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
Waits until the named services of the running project, or all, are ready or
done. Earlier edits are applied first: services that are then ready have read
them. The exit status is 1 if a service is not ready in time, or as soon as one
fails, waits for a failed one, or its latest build fails; its last lines are
printed. The status is also 1 if the latest edit was not applied because the
Portfile or an env file has mistakes.

Example:
  devports wait
  devports wait --timeout 30s auth db
  devports wait --keep-waiting && npm test`,
	flags:   []cli.Flag{keepWaitingFlag},
	request: func(_ control.Client, _ *cli.Context, services []string) ([]string, error) { return services, nil },
	good:    isUp,
}.command()

var downCommand = command{
	name:    "down",
	instead: "devports stop %s",
	usage:   "stop the running project",
	help: `
Stops the running project with all its services, and returns when all processes
are gone. With --all it stops all of your running projects; the exit status is 1
if one of them does not stop. With --kill it sends SIGKILL to devports up and to
every process that it has started: for one that no longer responds.

Example:
  devports down
  devports down --all
  devports down --kill`,
	flags: append([]cli.Flag{
		boolean("all", "a", "stop all running projects"),
		boolean("kill", "", "send SIGKILL, if it does not respond"),
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

// down stops a run, and returns when it has ended.
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
	return i.Forget() // after a signal it would be started again by --last
}

// awaitEnd waits until a stopping run has ended. The error is a failure if the
// process is suspended meanwhile.
func awaitEnd(ctx context.Context, i control.Instance, scope registry.Scope) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		err := i.AwaitEnd(bounded)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case i.Suspended():
			return unresponsive(scope, &control.UnresponsiveError{PID: i.Note.PID, Suspended: true})
		}
	}
}

// kill ends a run with SIGKILL, and prints which processes it killed.
func (s session) kill(ctx context.Context, i control.Instance, scope registry.Scope) error {
	ended, err := i.Kill(ctx, orphanGrace)
	if err == nil {
		err = i.Forget()
	}
	switch {
	case errors.Is(err, launcher.ErrEnded):
		return requestFailed(scope, err)
	case err != nil:
		return fail(exitFailed, "", "cannot kill %s (pid %d): %v", scope, i.Note.PID, err)
	}
	processes := ""
	if len(ended) > 0 {
		processes = "; " + formatKilled("killed its processes: ", ended)
	}
	_, err = fmt.Fprintf(s.stdout, "%s is down: killed pid %d%s\n", scope, i.Note.PID, processes)
	return err
}

var psCommand = command{
	name:  "ps",
	usage: "list services and their state",
	help: `
Lists the services of the running project. With --all it lists all of your
running projects with their services; the first word of each is the value for
--checkout. With --check it runs the ready checks again, and shows which
services no longer respond.

Example:
  devports ps
  devports ps --all --json`,
	flags: append([]cli.Flag{
		boolean("all", "a", "list the services of every project"),
		boolean("check", "", "run the ready checks again"),
		boolean("socket", "", "print only the path of the control socket"),
		jsonFlag, fileFlag,
	}, runFlags...),
	run: func(s session, c *cli.Context) error {
		runs, scope, err := s.selectedRuns(c)
		if err != nil && s.describe(err).status == exitRunning && !c.Bool("all") {
			s.noteEnd(c)
		}
		if err != nil && c.Bool("json") && s.describe(err).status == exitRunning {
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
