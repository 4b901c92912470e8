package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
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
func (o upOptions) open(s session) (p project, color bool, err error) {
	if color, err = s.colored(o.Color, s.stdout); err != nil {
		return p, false, err
	}
	if p, err = s.projectAt(o.File, o.Registry, o.Replicas); err != nil {
		return p, false, err
	}
	return p, color, p.knows(o.Services)
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

	r := runner{project: p, selected: o.Services, reassign: o.Reassign}
	plan, scope, claim, err := r.begin(signals)
	if err != nil {
		return err
	}
	defer claim.Release()

	window, resized, unwatch := s.window()
	defer unwatch()
	on := s.console(o.Plain, window)
	if on != nil {
		defer on.close()
	}
	show := s.display(output.Style{Color: color, Timestamps: o.Timestamps, NoPrefix: o.NoPrefix}, plan, on)
	show.own.Say(fmt.Sprintf("%s: starting %s", scope, list(names(plan))))
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
			if !on.has(service) {
				size.Columns -= show.out.PrefixWidth()
			}
			return size
		}
	}
	var look *view
	if on != nil {
		options.Terminal, options.Found = os.Stdin, on.found
		look = on.view(scope.String(), show, options.Steering, signals, color)
	}
	if !o.NoWatch {
		code := &codeWatch{root: p.file.Dir, run: options.Steering, own: show.own}
		defer code.close()
		plans, stop, err := r.follow(plan, show.own, code)
		if err != nil {
			s.note("edits of %s are not followed: %v", p.file.Name, err)
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
	look.close()
	err = show.flush(signals, stopped)
	if status != 0 {
		return failure{status: status}
	}
	return err
}

// runner is one `devports up`.
type runner struct {
	project
	selected []string // the services named on the command line; none: all
	reassign bool     // ports that are taken move to others
}

// begin makes everything ready for the start. Whatever is in its way is found
// here, all of it at once, and nothing has been started.
func (r runner) begin(signals chan os.Signal) (plan procfile.Plan, scope registry.Scope, c control.Claim, err error) {
	noted, err := r.check()
	if err != nil {
		return plan, scope, c, err
	}
	if scope, err = r.registry.Scope(r.checkout); err != nil {
		return plan, scope, c, err
	}
	signal.Notify(signals, stopSignals()...) // until here a signal ends devports as it ends any program
	if c, err = r.session.claim(scope); err != nil {
		return plan, scope, c, err
	}
	ctx, interrupted := untilSignal(signals)
	plan, scope, err = r.prepare(ctx, procfile.Plan{})
	if interrupted() {
		err = context.Canceled
	}
	if err != nil {
		return plan, scope, c, errors.Join(err, c.Release())
	}
	r.session.notes(noted.Notes)
	return plan, scope, c, nil
}

// prepare leases the ports of the project and makes the plan. The ports of
// what is started now must be free, or a process of this `up` has them.
func (r runner) prepare(ctx context.Context, running procfile.Plan) (procfile.Plan, registry.Scope, error) {
	first := running.Services == nil
	scope, checked, err := r.free(ctx, running)
	if err != nil {
		return procfile.Plan{}, scope, err
	}
	var move func(registry.Lease) bool
	if first && r.reassign {
		move = func(l registry.Lease) bool { return busy(l.Port) }
	}
	l, err := r.lease(ctx, move)
	if err != nil {
		return procfile.Plan{}, l.scope, err
	}
	// Those of a project that has moved come to light only now.
	starts := r.starts()
	var rest []registry.Lease
	for _, k := range l.leases {
		if !slices.Contains(checked, k.Port) && slices.Contains(starts, k.Name.Service) {
			rest = append(rest, k)
		}
	}
	if err := r.session.free(ctx, rest, r.ours(l.scope, first)); err != nil {
		return procfile.Plan{}, l.scope, err
	}
	plan, err := r.plan(l)
	if err == nil && len(r.selected) > 0 {
		plan = plan.Select(starts)
	}
	return plan, l.scope, err
}

// free makes sure that the ports that the services will have are free, before
// anything is written to the registry, and returns those ports. One that a
// running service has is handed over; one that is still to be chosen will be
// free.
func (r runner) free(ctx context.Context, running procfile.Plan) (scope registry.Scope, checked []int, err error) {
	if scope, err = r.registry.Scope(r.checkout); err != nil {
		return scope, nil, err
	}
	leases, err := r.registry.Leases()
	if err != nil {
		return scope, nil, err
	}
	starts, first := r.starts(), running.Services == nil
	var needed []registry.Lease
	for _, w := range r.file.Ports() {
		l := registry.Lease{Scope: scope, Name: w.Name}
		if i := slices.IndexFunc(leases, func(k registry.Lease) bool { return k.Scope == scope && k.Name == l.Name }); i >= 0 {
			l = leases[i]
		}
		if l.Pinned = w.Pin != 0 && scope.Main(); l.Pinned {
			l.Port = w.Pin
		}
		moves := r.reassign && first && !l.Pinned
		if l.Port != 0 && !moves && slices.Contains(starts, w.Name.Service) {
			checked = append(checked, l.Port)
			if !running.Holds(l.Port) {
				needed = append(needed, l)
			}
		}
	}
	return scope, checked, r.session.free(ctx, needed, r.ours(scope, first))
}

// ours tells the processes of this `up`. At the first start there are none;
// later, one that holds a port is a service on its way out.
func (r runner) ours(scope registry.Scope, first bool) func(holder.Process) bool {
	return func(p holder.Process) bool {
		return !first && p.Managed && p.Project == scope.Project && p.Worktree == scope.Worktree
	}
}

// starts are the services to start: those selected that the file declares and
// what they depend on, or all.
func (r runner) starts() []string {
	if len(r.selected) == 0 {
		return r.file.ServiceNames()
	}
	return r.file.With(r.known())
}

// known are the selected services that the file still declares.
func (r runner) known() []string {
	var names []string
	for _, name := range r.selected {
		if _, ok := r.file.Service(name); ok {
			names = append(names, name)
		}
	}
	return names
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
