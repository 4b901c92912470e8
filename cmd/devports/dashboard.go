package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/front/dashboard"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

var dashboardCommand = command{
	name:  "dashboard",
	usage: "open the page of all your checkouts in the browser",
	help: `
Opens http://devports.localhost:4777 in the browser: the services of all your
checkouts, their logs, and buttons to start, stop and restart them. The link
signs the browser in for 30 days. Treat it like a password: open it only in your
own browsers. With --print, devports prints the link instead, for a browser on
another machine that forwards its port 4777 to this one: see devports help
front.

Example:
  devports dashboard
  devports dashboard --print`,
	flags: []cli.Flag{&cli.BoolFlag{Name: "print", Usage: "print the link instead"}},
	run: func(s session, c *cli.Context) error {
		link, err := s.dashboardLink(c.Context)
		if err != nil {
			return err
		}
		if c.Bool("print") {
			fmt.Fprintln(s.stdout, link)
			return nil
		}
		return browse(link)
	},
}

// dashboardLink returns the link that signs a browser in. It starts a front if
// there is none.
func (s session) dashboardLink(ctx context.Context) (string, error) {
	if value, off, err := s.frontSetting(); err != nil {
		return "", usage("unset "+envvar.Front, "%v", err)
	} else if off && value == 0 {
		return "", fail(exitFailed, "unset "+envvar.Front, "%s=%s turns the dashboard off", envvar.Front, s.getenv(envvar.Front))
	}
	runs, err := s.runs()
	if err != nil {
		return "", err
	}
	token, err := dashboard.Token(runs)
	if err != nil {
		return "", err
	}
	place, err := s.frontPlace()
	if err != nil {
		return "", err
	}
	note, err := place.Ensure(ctx, func() error {
		argv, err := frontProgram(s.frontPort())
		if err != nil {
			return err
		}
		return control.StartDetached(argv...)
	})
	if err != nil {
		return "", fail(exitFailed, "devports doctor", "the dashboard does not start: %v", err)
	}
	return dashboard.Link(note.Port, token), nil
}

// dashboardOptions are those of the dashboard in the front.
func (s session) dashboardOptions(points registry.Registry) *dashboard.Options {
	runs, err := s.runs()
	if err != nil {
		return nil
	}
	logs, err := s.logStore()
	if err != nil {
		return nil
	}
	return &dashboard.Options{
		Runs: runs, Logs: logs, Version: version().Devports,
		Name: func(c dashboard.Checkout) string { return scopeOfCheckout(c).Name() },
		Head: func(directory string) (branch, commit string) {
			head := checkout.HeadOf(directory, s.getenv)
			return head.Branch, head.Commit
		},
		Ended: formatEnd,
		Explain: func(c dashboard.Checkout, err error) (text, hint string) {
			return s.explain(scopeOfCheckout(c), err)
		},
		NotRunning: func(c dashboard.Checkout) (string, string) {
			return scopeOfCheckout(c).String() + " is not running", "cd " + text.QuoteArg(c.Directory) + " && devports up -d"
		},
		Point: func(ctx context.Context, port int, to dashboard.Checkout, service string) error {
			var err error
			if service == "" {
				_, err = s.removePoint(ctx, points, port)
			} else {
				_, err = s.addPoint(ctx, points, registry.Point{Port: port, Scope: scopeOfCheckout(to), Service: service})
			}
			return err
		},
	}
}

func scopeOfCheckout(c dashboard.Checkout) registry.Scope {
	return registry.Scope{Directory: c.Directory, Project: cmp.Or(c.Project, filepath.Base(c.Directory)), Worktree: c.Worktree}
}

// explain describes the error of a request to a run, or of a point, in one line.
func (s session) explain(scope registry.Scope, err error) (message, hint string) {
	var unknown *launcher.UnknownServiceError
	var unreachable *control.UnreachableError
	var silent *control.UnresponsiveError
	var other *control.OtherVersionError
	request := errors.As(err, &unknown) || errors.As(err, &unreachable) || errors.As(err, &silent) ||
		errors.Is(err, launcher.ErrEnded) || errors.As(err, &other)
	if request || errors.Is(err, context.DeadlineExceeded) {
		err = requestFailed(scope, err)
	}
	f := s.describe(err)
	if len(f.lines) == 0 {
		return err.Error(), ""
	}
	return strings.ReplaceAll(f.lines[0].text, "\n", " "), f.lines[0].hint
}
