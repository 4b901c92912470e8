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

// waitOptions are how long a command waits, and how it prints the result.
type waitOptions struct {
	timeout time.Duration
	keep    bool // keep waiting after a failure
	json    bool
	refused bool // a refused edit is not a failure

	// synced is the response to the previous request, before which the run has
	// applied all edits: the wait need not begin with that. nil: there was
	// none.
	synced *control.Info
}

// await waits until the services are settled, or the timeout of o, and prints
// their status.
func (s session) await(c *cli.Context, scope registry.Scope, client control.Client, names []string, o waitOptions, good func(launcher.Status) bool) error {
	info, err := s.awaitSettled(c.Context, client, names, o)
	if err != nil {
		return requestFailed(scope, err)
	}
	s.addUsers(c, info)
	if o.refused {
		s.noteRefused("", info)
		info.Refused = nil
	}
	if len(names) == 0 { // a service that the user has stopped is not a failure
		good = either(good, func(st launcher.Status) bool { return st.State == launcher.StateStopped })
	}
	err = s.printStatuses(info, names, o.json, good)
	if err != nil {
		s.printUnready(c.Context, client, info, names)
	}
	return err
}

// awaitSettled waits like await, and returns the status.
func (s session) awaitSettled(ctx context.Context, client control.Client, names []string, o waitOptions) (control.Info, error) {
	bounded, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	isShared := func(st launcher.Status) bool { return st.Shared }
	if o.synced != nil && !slices.ContainsFunc(o.synced.Services, isShared) { // the state of a shared service comes from another run
		client = client.WithoutSync()
	}
	wait, settled := client.Wait, launcher.Status.Settled
	if o.keep {
		wait, settled = client.WaitUp, launcher.Status.Up
	}
	stop := s.noteWaiting(bounded, client, names, settled)
	info, err := wait(bounded, names...)
	stop()
	if o.synced != nil && len(info.Refused) == 0 {
		info.Refused = o.synced.Refused
	}
	if errors.Is(err, context.DeadlineExceeded) {
		info, err = client.Check(ctx)
	}
	return info, err
}

// lastLines is the number of lines to print of a failed service.
const lastLines = 10

// printUnready prints the last output of the services among names (none stands for
// all) that have failed or are still starting, and of those that they wait for,
// except for what printStatuses has printed.
func (s session) printUnready(ctx context.Context, client control.Client, info control.Info, names []string) {
	unready := inState(info.Services, names, launcher.StateFailed, launcher.StateStarting)
	unready = slices.DeleteFunc(unready, func(b launcher.Blocker) bool {
		return slices.ContainsFunc(info.Services, func(st launcher.Status) bool {
			printed := len(names) == 0 || slices.Contains(names, st.Service)
			return printed && st.Service == b.Service && len(st.BuildLines) > 0
		})
	})
	isShared := func(b launcher.Blocker) bool {
		return slices.ContainsFunc(info.Services, func(st launcher.Status) bool { return st.Service == b.Service && st.Shared })
	}
	if slices.ContainsFunc(unready, isShared) {
		if i, ok := s.sharedRunOf(ctx, info); ok {
			s.printLastLines(ctx, i.Client(), slices.DeleteFunc(slices.Clone(unready), func(b launcher.Blocker) bool { return !isShared(b) }))
		}
		unready = slices.DeleteFunc(unready, isShared)
	}
	s.printLastLines(ctx, client, unready)
	s.hintToType(info, names)
}

// hintToType prints, on a terminal, the command that answers a question of a
// service that is still starting.
func (s session) hintToType(info control.Info, names []string) {
	if starting := inState(info.Services, names, launcher.StateStarting); len(starting) > 0 && isTerminal(s.stdout) {
		s.printMessage("hint", "to see its output, or type into it: devports attach "+starting[0].Service)
	}
}

// printLastLines prints the last output of services.
func (s session) printLastLines(ctx context.Context, client control.Client, services []launcher.Blocker) {
	for _, of := range services {
		q := control.LogQuery{Services: []string{of.Service}, Last: lastLines, Since: of.LastStarted}
		err := client.Logs(ctx, q, func(e control.LogEntry) error {
			s.printLine(e.Service, e.Text)
			return nil
		})
		if err != nil {
			return // the run has ended, which was already reported
		}
	}
}

// inState are the services among names (none stands for all) that are in one of the
// states, and those that they wait for, by name.
func inState(all []launcher.Status, names []string, states ...launcher.State) (found []launcher.Blocker) {
	for _, st := range all {
		own := launcher.Blocker{Service: st.Service, State: st.State, Detail: st.Detail, LastStarted: st.LastStarted}
		for _, b := range []launcher.Blocker{own, st.BlockedBy} {
			wanted := len(names) == 0 || slices.Contains(names, st.Service)
			known := slices.ContainsFunc(found, func(f launcher.Blocker) bool { return f.Service == b.Service })
			if wanted && !known && slices.Contains(states, b.State) {
				found = append(found, b)
			}
		}
	}
	slices.SortFunc(found, func(a, b launcher.Blocker) int { return strings.Compare(a.Service, b.Service) })
	return found
}

// isUp reports whether a service is up: ready and responsive, or done.
func isUp(st launcher.Status) bool {
	up := st.State == launcher.StateReady && !st.Unresponsive || st.State == launcher.StateDone
	return up && st.Build == ""
}

// isUpOrStopped is isUp for commands without names, where a service that the
// user has stopped is not a failure.
func isUpOrStopped(st launcher.Status) bool { return isUp(st) || st.State == launcher.StateStopped }

func either(a, b func(launcher.Status) bool) func(launcher.Status) bool {
	return func(st launcher.Status) bool { return a(st) || b(st) }
}

// requestFailed describes why a request to a run failed.
func requestFailed(scope registry.Scope, err error) error {
	var unknown *launcher.UnknownServiceError
	var unreachable *control.UnreachableError
	var silent *control.UnresponsiveError
	var other *control.OtherVersionError
	var failed *control.FailedError
	switch {
	case errors.As(err, new(failure)):
		return err
	case errors.As(err, &silent):
		return unresponsive(scope, silent)
	case errors.As(err, &unknown):
		f := failure{status: exitUsage}
		for _, name := range unknown.Names {
			hint := "available services: " + wording.List(unknown.Known)
			if near, ok := text.Nearest(name, unknown.Known); ok {
				hint = "did you mean " + near + "?"
			}
			f.lines = append(f.lines, errorLine{fmt.Sprintf("%s has no service %s", scope, name), hint})
		}
		return f
	case errors.Is(err, launcher.ErrEnded):
		return fail(exitRunning, "once it has ended, start it again: devports up", "%s is stopping", scope)
	case errors.As(err, &other):
		by := "another version of devports"
		if other.Version != "" && other.Version != version().Devports {
			by = fmt.Sprintf("devports %s, and this is %s", other.Version, version().Devports)
		}
		return fail(exitFailed, "to restart it with this version: devports down && devports up -d", "%s was started by %s", scope, by)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &failed):
		return fail(exitFailed, "", "%s: %s", scope, failed.Text)
	case errors.As(err, &unreachable):
		cause := unreachable.Err
		if dial := (*net.OpError)(nil); errors.As(cause, &dial) && dial.Addr != nil {
			cause = fmt.Errorf("socket %s: %w", dial.Addr, dial.Err)
		}
		return fail(exitFailed, "to stop it: "+howToStop(scope), "cannot connect to %s (pid %d): %v", scope, unreachable.PID, cause)
	}
	return fail(exitFailed, "to kill it: "+howToStop(scope, "--kill"), "%s does not respond: %v", scope, err)
}

// unresponsive describes a run that is alive but does not respond.
func unresponsive(scope registry.Scope, silent *control.UnresponsiveError) failure {
	if silent.Suspended {
		return fail(exitFailed, fmt.Sprintf("resume it with fg or kill -CONT %d, or kill it with %s", silent.PID, howToStop(scope, "--kill")),
			"%s does not respond: pid %d is suspended", scope, silent.PID)
	}
	return fail(exitFailed, "to kill it: "+howToStop(scope, "--kill"), "%s does not respond (pid %d)", scope, silent.PID)
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
		if err := s.json(servicesOutput{Services: append([]launcher.Status{}, services...)}); err != nil {
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
		s.printMessage("note", run+r.Text)
		if r.Hint != "" {
			s.printMessage("hint", r.Hint)
		}
	}
	if len(info.Refused) > 0 {
		s.printMessage("note", run+editRefused)
	}
}

// formatStatus formats a service's status as a sentence.
func formatStatus(st launcher.Status) string {
	text := st.Service + " is " + st.Label()
	switch st.State {
	case launcher.StateReady:
		text = st.Service + " is ready"
		if st.Address != "" {
			text += " on " + st.Address
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
		if st.Detail == "" {
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
