package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// requestCommand is a command that sends a request to the run here, waits, and
// prints the status of the services.
type requestCommand struct {
	name, usage, help string
	flags             []cli.Flag

	// request returns the services to wait for, the named ones or more, and
	// what the run has answered; nil if it has not been asked.
	request func(client control.Client, c *cli.Context, services []string) ([]string, *control.Info, error)
	good    func(launcher.Status) bool
}

func (r requestCommand) command() command {
	return command{
		name: r.name, usage: r.usage, args: "[SERVICE…]", help: r.help,
		flags:     slices.Concat([]cli.Flag{timeoutFlag}, r.flags, []cli.Flag{jsonFlag, fileFlag}, runFlags),
		completes: servicesAndGroups,
		run: func(s session, c *cli.Context) error {
			i, scope, err := s.running(c)
			if err != nil {
				if r.name == "wait" && s.describe(err).status == exitRunning {
					s.noteEnd(c)
				}
				return err
			}
			client := i.Client()
			if c.Bool("all") {
				client = client.WithForce()
			}
			names, answer, err := r.request(client, c, s.expandGroups(c, scope, i, c.Args().Slice()))
			var unknown *launcher.UnknownServiceError
			if errors.As(err, &unknown) {
				unknown.Known = append(unknown.Known, s.groupsOf(c, scope)...)
			}
			var shared *control.SharedError
			if errors.As(err, &shared) {
				return sharedFailed(r.name, c.Args().Slice(), shared)
			}
			if err != nil {
				return requestFailed(scope, err)
			}
			o := waitOptions{c.Duration("timeout"), c.Bool("keep-waiting"), c.Bool("json"), r.name == "stop", answer}
			return s.await(c, scope, client, names, o, r.good)
		},
	}
}

// sharedFailed describes why a command refuses the services of its arguments.
func sharedFailed(command string, args []string, err *control.SharedError) error {
	verb := "need"
	if len(err.Checkouts) == 1 {
		verb = "needs"
	}
	hint := fmt.Sprintf("to include the other checkouts: devports %s --all %s; for an instance of its own here: shared = false in the Portfile", command, strings.Join(quoted(args), " "))
	return fail(exitFailed, hint, "%s is shared: %s %s it, too", err.Service, wording.List(err.Checkouts), verb)
}

// sharedToo returns the shared services, if the command line is --all without
// names: a request without names does not concern them.
func sharedToo(client control.Client, c *cli.Context, names []string) (shared []string, err error) {
	if !c.Bool("all") || len(names) > 0 {
		return nil, nil
	}
	info, err := client.Status(c.Context)
	for _, st := range info.Services {
		if st.Shared {
			shared = append(shared, st.Service)
		}
	}
	return shared, err
}

var (
	timeoutFlag = &cli.DurationFlag{
		Name: "timeout", Value: time.Minute, Usage: "wait at most `TIME`", DefaultText: "1m",
	}
	sharedFlag      = &cli.BoolFlag{Name: "all", Usage: "include shared services that other checkouts need"}
	keepWaitingFlag = &cli.BoolFlag{Name: "keep-waiting", Usage: "keep waiting when a service fails, while you fix it"}
)

// requesting is a request about the services that the command line names.
func requesting(request func(client control.Client, ctx context.Context, services ...string) (control.Info, error)) func(control.Client, *cli.Context, []string) ([]string, *control.Info, error) {
	return func(client control.Client, c *cli.Context, services []string) ([]string, *control.Info, error) {
		info, err := request(client, c.Context, services...)
		return services, &info, err
	}
}

var startCommand = withFreePorts(requestCommand{
	name: "start", usage: "start stopped services", help: `
Starts the named services of the running project, if they were stopped or have
ended, and their dependencies, and waits until each is ready or has failed, or
waits for one that has failed. Without names it starts all. The exit status is 1
if one is not ready.

Example:
  devports start auth`,
	flags: []cli.Flag{keepWaitingFlag}, request: requesting(control.Client.Start), good: isUp,
}.command())

var stopCommand = requestCommand{
	name: "stop", usage: "stop services", help: `
Stops the named services of the running project, and returns when they have
ended. devports up keeps running, even without services. Without names it stops
all.

A shared service that other checkouts need is stopped only with --all; otherwise
the exit status is 1, and the checkouts are printed. Without names, shared
services keep running for the others.

Example:
  devports stop auth
  devports stop --all db`,
	flags:   []cli.Flag{sharedFlag},
	request: stop, good: launcher.Status.Ended,
}.command()

// stop stops the named services, and returns their names, without those that
// were not started: of a group, any service may run.
func stop(client control.Client, c *cli.Context, names []string) ([]string, *control.Info, error) {
	if len(names) > 0 {
		info, err := client.Status(c.Context)
		if err != nil {
			return nil, nil, err
		}
		active := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(info.Inactive, name) })
		if len(active) == 0 {
			return nil, nil, fail(exitRunning, "", "%s not running", isOrAre(names))
		}
		names = active
	}
	shared, err := sharedToo(client, c, names)
	if err != nil {
		return nil, nil, err
	}
	info, err := client.Stop(c.Context, names...)
	if len(shared) > 0 && err == nil {
		info, err = client.Stop(c.Context, shared...)
	}
	return names, &info, err
}

var restartCommand = requestCommand{
	name: "restart", usage: "restart services", help: `
Restarts the named services of the running project, in dependency order, and
waits until they are ready. Without names it restarts all. Dependencies that are
not running are started. A service with a build is built first; if the build
fails, its old process keeps running. The exit status is 1 if a service is not
ready in time, or has failed, or its build has. As with stop, a shared service
that other checkouts need is restarted only with --all: without names,
restart --all restarts all services, including those.

Example:
  devports restart auth
  devports restart --all
  devports restart --dependents db
  devports restart --timeout 10s auth`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "dependents", Usage: "also restart the services that depend on them"}, keepWaitingFlag, sharedFlag,
	},
	request: restart, good: isUp,
}.command()

// restart restarts the named services, and with --dependents those that depend
// on them, and returns the names of all.
func restart(client control.Client, c *cli.Context, names []string) ([]string, *control.Info, error) {
	if c.Bool("dependents") && len(names) > 0 {
		info, err := client.Status(c.Context)
		if err != nil {
			return nil, nil, err
		}
		names = slices.Concat(names, launcher.Dependents(info.Services, names...))
	}
	shared, err := sharedToo(client, c, names)
	if len(shared) > 0 && err == nil {
		_, err = client.Restart(c.Context, shared...)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := client.Restart(c.Context, names...)
	return names, &info, err
}

var waitCommand = requestCommand{
	name: "wait", usage: "wait until services are ready", help: `
Waits until each of the named services of the running project, or of all, is
ready, done or failed, or waits for one that has failed. devports up first
applies the edits made so far, so that services that are ready have read them.
The exit status is 1 if one is not ready in time, or has failed, or its latest
build has; wait then prints its last lines. The status is also 1 if the latest
edit was not applied because the Portfile or an env file has mistakes.

Example:
  devports wait
  devports wait --timeout 30s auth db
  devports wait --keep-waiting && npm test`,
	flags:   []cli.Flag{keepWaitingFlag},
	request: awaitable, good: isUp,
}.command()

// awaitable returns the named services. It is an error if one of them was not
// started.
func awaitable(client control.Client, c *cli.Context, names []string) ([]string, *control.Info, error) {
	if len(names) == 0 {
		return names, nil, nil
	}
	info, err := client.Status(c.Context)
	if err != nil {
		return nil, nil, err
	}
	idle := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(info.Inactive, name) })
	if len(idle) > 0 {
		return nil, nil, fail(exitRunning, "devports start "+strings.Join(idle, " "), "%s not started", isOrAre(idle))
	}
	return names, nil, nil
}
