package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var upCommand = command{
	name:  "up",
	usage: "start the services of the Portfile and follow its edits",
	args:  "[SERVICE…]",
	help: `
Starts all services, or those named and what they depend on, each with PORT, its
own port, and PORT_<NAME>, the port of every service of the Portfile. Edits of
the Portfile and of env files are followed: only the services that an edit
affects are restarted. Ctrl-C stops all services, a second one kills them.

On a terminal, rows at the bottom show how each service is. Keys restart, stop,
open or filter what is shown, and type to a service: ? tells them. With --plain,
and wherever the output is no terminal, there are only lines.

With -d it runs in the background: devports ps, logs and down find it there.

The exit status is 0 after Ctrl-C, else that of the first service that failed.

Example:
  devports up
  devports up web auth
  devports up -m worker=3
  devports up -d
  devports up -f examples/shop/Portfile --no-watch`,
	flags: []cli.Flag{
		fileFlag,
		&cli.GenericFlag{
			Name: "replicas", Aliases: []string{"m"}, Value: replicas{}, DefaultText: "what the file says",
			Usage: "run several copies of services: `SERVICE=NUMBER,…`",
		},
		boolean("detach", "d", "run in the background, and return when all services are ready"),
		&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "with -d, wait at most for `TIME`", DefaultText: "1m"},
		&cli.StringFlag{Name: "log", Usage: "write to `FILE`, of 10 MB at most, and keep 3 older ones beside it"},
		boolean("no-watch", "", "do not follow edits of the Portfile, env files and what services watch"),
		boolean("stop-on-exit", "", "stop all services when one ends, with its exit status"),
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "colour names: `WHEN` is auto, always or never"},
		boolean("timestamps", "", "put the time of day before each line"),
		boolean("plain", "", "only lines, without the live view at the bottom of a terminal"),
		boolean("no-prefix", "", "print just what the services print; devports' own lines go to stderr"),
		boolean("reassign", "", "move ports that something else holds to others, for good"),
		registryFlag,
	},
	completes: services,
	run:       up,
}

func up(s session, c *cli.Context) error {
	o := readUpOptions(c)
	if c.Bool("detach") {
		return s.detach(c.Context, o, c.Duration("timeout"))
	}
	return s.up(o)
}

// open reads what the options name, and checks that it is there.
func (o upOptions) open(s session) (p project.Project, color bool, err error) {
	if color, err = s.colored(o.Color, s.stdout); err != nil {
		return p, false, err
	}
	if p, err = s.projectAt(o.File, o.Registry, o.Replicas); err != nil {
		return p, false, err
	}
	return p, color, declares(p.File, o.Services)
}

// up runs the services in this process, until they end.
func (s session) up(o upOptions) error {
	p, color, err := o.open(s)
	if err != nil {
		return err
	}
	if o.Log != "" {
		file, err := output.OpenRotating(o.Log)
		if err != nil {
			return err
		}
		defer file.Close()
		s.stdout = file
	}
	signals := make(chan os.Signal, 4)
	defer signal.Stop(signals)

	r := project.Run{Project: p, Selected: o.Services, Reassign: o.Reassign}
	plan, scope, claim, err := s.begin(r, signals)
	if err != nil {
		return err
	}
	defer claim.Release()

	window, resized, unwatch := s.window()
	defer unwatch()
	on := s.console(o.Plain, window)
	defer on.Close()
	show := s.display(output.Style{Color: color, Timestamps: o.Timestamps, NoPrefix: o.NoPrefix}, plan, on)
	show.own.Say(fmt.Sprintf("%s: starting %s", scope, wording.List(names(plan))))
	var stopped time.Time // by a signal, or because nobody reads the output
	unfollow := func() {}
	options := launcher.Options{
		Output: show.out,
		Notify: func(e launcher.Event) {
			if stopping, ok := e.(launcher.Stopping); ok {
				if stopping.Service == "" {
					stopped = time.Now()
				}
				go unfollow() // the kernel takes its time for that
			}
			show.tell(e)
		},
		Signals:    signals,
		StopOnExit: o.StopOnExit,
		Listening:  listening,
		Instance:   claim.Note.ID,
		Steering:   launcher.NewSteering(),
		Alone:      true,
	}
	if window != nil {
		options.Resized = resized
		options.Size = func(service string) terminal.Size {
			size := window()
			if !on.Attached(service) {
				size.Columns -= show.out.PrefixWidth()
			}
			return size
		}
	}
	if on != nil {
		options.Terminal, options.Found = os.Stdin, on.Found()
	}
	live := on.Show(view.Options{
		Title: scope.String(), Run: options.Steering, Output: show.out, Color: color,
		Interrupt: func() {
			select {
			case signals <- os.Interrupt:
			default:
			}
		},
	})
	if !o.NoWatch {
		code := &codeWatch{root: p.File.Dir, run: options.Steering, own: show.own}
		defer code.close()
		plans, stop, err := s.follow(r, plan, show.own, code)
		if err != nil {
			s.note("edits of %s are not followed: %v", p.File.Name, err)
		} else {
			unfollow = sync.OnceFunc(stop)
			defer unfollow()
			options.Plans = plans
		}
	}
	defer claim.Serve(control.Run{
		About:    control.Info{Project: scope.Project, Worktree: scope.Worktree},
		Steering: options.Steering, Output: &show.tail, Journal: &show.journal,
	})()
	status := launcher.Run(plan, options)
	live.Close()
	err = show.flush(signals, stopped)
	if status != 0 {
		return failure{status: status}
	}
	return err
}

// begin makes everything ready for the start. Whatever is in its way is found
// here, all of it at once, and nothing has been started.
func (s session) begin(r project.Run, signals chan os.Signal) (plan procfile.Plan, scope registry.Scope, c control.Claim, err error) {
	checked, err := r.Project.Check() // before the claim, which ends what a dead run has left
	if err != nil {
		return plan, scope, c, err
	}
	if scope, err = r.Project.Scope(); err != nil {
		return plan, scope, c, err
	}
	signal.Notify(signals, stopSignals()...) // until here a signal ends devports as it ends any program
	if c, err = s.claim(scope); err != nil {
		return plan, scope, c, err
	}
	ctx, interrupted := untilSignal(signals)
	plan, err = r.Start(ctx)
	if interrupted() {
		err = context.Canceled
	}
	if err != nil {
		return plan, scope, c, errors.Join(err, c.Release())
	}
	s.notes(checked.Notes)
	return plan, scope, c, nil
}

// stopSignals end `up`. One that was ignored when devports started stays so:
// that is what nohup is for.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	// A closed pipe is to be an error of the write, not the end of devports.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signals
}

// untilSignal is a context that a signal ends. interrupted ends it, too, and
// reports whether a signal came before.
func untilSignal(signals <-chan os.Signal) (ctx context.Context, interrupted func() bool) {
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan bool, 1)
	go func() {
		select {
		case <-signals:
			cancel()
			came <- true
		case <-ctx.Done():
			came <- false
		}
	}()
	return ctx, func() bool {
		cancel()
		return <-came
	}
}
