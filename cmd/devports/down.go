package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

var downCommand = command{
	name:    "down",
	instead: "devports stop %s",
	usage:   "stop the running project",
	help: `
Stops the running project with all its services, and returns when all processes
are gone. With --all it stops all of your running projects; the exit status is 1
if one of them does not stop. With --kill it sends SIGKILL to devports up and to
every process that it started, without stopping services first: use it if
devports up no longer responds.

Example:
  devports down
  devports down --all
  devports down --kill`,
	flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "stop all running projects"},
		&cli.BoolFlag{Name: "kill", Usage: "send SIGKILL to devports up and all its processes"},
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
		stop := down
		if c.Bool("kill") {
			stop = kill
		}
		how, err := stop(c.Context, i, scope)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "%s is down%s\n", scope, how)
		return err
	},
}

// howToStop is the command that stops the run of a scope, to be typed in the
// working directory.
func howToStop(scope registry.Scope, options ...string) string {
	shared := scope.Worktree == control.SharedLabel
	if wd, err := os.Getwd(); err == nil && !shared {
		if path, err := filepath.Rel(scope.Directory, wd); err == nil && filepath.IsLocal(path) {
			return strings.Join(append([]string{"devports", "down"}, options...), " ")
		}
	}
	return wording.Down(scope, shared, options...)
}

// down stops a run, and returns when it has ended. how is always "": see kill.
func down(ctx context.Context, i control.Instance, scope registry.Scope) (how string, err error) {
	err = i.Client().Down(ctx)
	if errors.As(err, new(*control.UnreachableError)) || errors.As(err, new(*control.OtherVersionError)) {
		err = i.Terminate()
	}
	if err != nil {
		return "", requestFailed(scope, err)
	}
	if err := awaitEnd(ctx, i, scope); err != nil {
		return "", err
	}
	return "", i.Forget() // after a signal it would be started again by --last
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

// kill ends a run with SIGKILL. how lists the processes that it killed, as the
// end of a sentence.
func kill(ctx context.Context, i control.Instance, scope registry.Scope) (how string, err error) {
	ended, err := i.Kill(ctx, orphanGrace)
	if err == nil {
		err = i.Forget()
	}
	switch {
	case errors.Is(err, launcher.ErrEnded):
		return "", requestFailed(scope, err)
	case err != nil:
		return "", fail(exitFailed, "", "cannot kill %s (pid %d): %v", scope, i.Note.PID, err)
	}
	how = fmt.Sprintf(": killed pid %d", i.Note.PID)
	if len(ended) > 0 {
		how += "; " + formatKilled("killed its processes: ", ended)
	}
	return how, nil
}
