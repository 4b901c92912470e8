package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
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

With -d it runs in the background: devports ps, logs and down find it there. With
--last as well, every run comes back, with its options, that was in the background
when the machine went down, or was killed: not those that had ended, or that
devports down has ended. Variables are those of the shell here.

The exit status is 0 after Ctrl-C, else that of the first service that failed.

Example:
  devports up
  devports up web auth
  devports up -m worker=3
  devports up -d
  devports up -d --last
  devports up -f examples/shop/Portfile --no-watch`,
	flags: []cli.Flag{
		fileFlag,
		&cli.GenericFlag{
			Name: "replicas", Aliases: []string{"m"}, Value: replicas{}, DefaultText: "what the file says",
			Usage: "run several copies of services: `SERVICE=NUMBER,…`",
		},
		boolean("detach", "d", "run in the background, and return when all services are ready"),
		&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "with -d, wait at most for `TIME`", DefaultText: "1m"},
		boolean("keep-waiting", "", "with -d, wait on when a service has failed"),
		&cli.StringFlag{Name: "log", Usage: "write to `FILE`, of 10 MB at most, and keep 3 older ones beside it"},
		boolean("last", "", "with -d, bring back what ran in the background when the machine went down"),
		boolean("no-watch", "", "do not follow edits of the Portfile, env files and what services watch"),
		boolean("stop-on-exit", "", "stop all services when one ends, with its exit status"),
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "colour names: `WHEN` is auto, always or never"},
		boolean("timestamps", "", "put the time of day before each line"),
		boolean("plain", "", "only lines, without the live view at the bottom of a terminal"),
		boolean("raw", "", "plain lines, with all control sequences that services print, on a terminal, too"),
		boolean("no-prefix", "", "print just what the services print; devports' own lines go to stderr"),
		boolean("reassign", "", "move ports that something else holds to others, for good"),
		noPinsFlag,
		registryFlag,
	},
	completes: services,
	run:       up,
}

func up(s session, c *cli.Context) error {
	o := readUpOptions(c)
	if c.Bool("last") {
		if !c.Bool("detach") || c.NArg() > 0 {
			return usage("devports up -d --last", "--last needs -d, and takes no services")
		}
		return s.upLast(c.Context, c.Duration("timeout"))
	}
	o.NoPins = s.noPins(c)
	s.unpinned = func(p project.Project) { s.notePins(p, c) }
	if c.Bool("detach") {
		return s.detach(c.Context, o, c.Duration("timeout"), c.Bool("keep-waiting"))
	}
	return s.up(o, nil)
}

// open reads what the options name, and checks that it is there.
func (o upOptions) open(s session) (p project.Project, color bool, err error) {
	if color, err = s.colored(o.Color, s.stdout); err != nil {
		return p, false, err
	}
	if p, err = s.projectAt(o.File, o.Registry, o.Replicas); err != nil {
		return p, false, err
	}
	if o.NoPins {
		p = p.WithoutPins()
		if s.unpinned != nil {
			s.unpinned(p)
		}
	}
	return p, color, declares(p.File, o.Services)
}

// up runs the services in this process, until they end. In the background, no
// terminal is there to end them from, so that they must be reachable.
func (s session) up(o upOptions, from *background) error {
	defer collectRarely()()
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
	plan, scope, claim, err := s.begin(r, o.NoPins, signals)
	if err != nil {
		return err
	}
	defer claim.Release()
	if claim.SocketErr != nil {
		if from != nil {
			return fail(exitFailed, "set XDG_RUNTIME_DIR or TMPDIR to a directory of yours", "nothing was started: no socket can be made to steer the run: %s", oneLine(claim.SocketErr))
		}
		s.note("devports ps, logs and restart cannot reach this run, only devports down can: %s", oneLine(claim.SocketErr))
	}

	u := &upRun{session: s, run: r, options: o, plan: plan, scope: scope, signals: signals, controller: launcher.NewController()}
	// What goes on beside the services begins here, in order, and ends in
	// reverse. Each part has ended when its stop returns.
	defer u.show(color)()
	defer u.watch()()
	defer u.serve(claim, from)()
	defer u.remember(from)()
	return u.launch(claim.Note.ID)
}

// startTime is how long the start of a few hundred services may take.
const startTime = 2 * time.Second

// collectRarely keeps the garbage collector from running while services start: most
// of what that allocates stays. What does not is then released.
func collectRarely() (stop func() bool) {
	before := debug.SetGCPercent(400)
	return time.AfterFunc(startTime, func() {
		debug.SetGCPercent(before)
		debug.FreeOSMemory()
	}).Stop
}

// oneLine is an error that may have several lines.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// upRun is an `up` whose services are about to start: all that goes on beside
// them, and what that has in common.
type upRun struct {
	session    session
	run        project.Run
	options    upOptions
	plan       procfile.Plan
	scope      registry.Scope
	signals    chan os.Signal
	controller *launcher.Controller

	display   *display
	console   *view.Console // nil for none, as is live
	live      *view.View
	terminals *launcher.Terminals // nil: services print to pipes

	plans    <-chan procfile.Plan // nil: edits are not followed
	unfollow func()               // has no more plans come
	sync     control.Sync         // nil: likewise
	stopped  time.Time            // when a signal, or the end of the readers, has stopped the services

	signalled bool // a signal has
}

// show begins to show the run.
func (u *upRun) show(color bool) (stop func()) {
	window, resized, unwatch := u.session.window()
	u.console = u.session.console(u.options, window)
	style := output.Style{Color: color, Timestamps: u.options.Timestamps, NoPrefix: u.options.NoPrefix}
	u.display = u.session.display(style, u.options.Raw, u.plan, u.console)
	u.display.scope = u.scope.String()
	u.session.notices.showIn(u.display.own)
	u.display.own.Say(fmt.Sprintf("%s: starting %s", u.scope, wording.List(names(u.plan))))
	if window != nil {
		u.terminals = &launcher.Terminals{Resized: resized, Size: func(service string) terminal.Size {
			size := window()
			if !u.console.Attached(service) {
				size.Columns -= u.display.out.PrefixWidth()
			}
			return size
		}}
	}
	if u.console == nil {
		return unwatch
	}
	u.live = u.console.Show(view.Options{
		Title: u.scope.String(), Run: u.controller, Output: u.display.out, Color: color,
		Interrupt: func() {
			select {
			case u.signals <- os.Interrupt:
			default:
			}
		},
	})
	return func() {
		u.console.Close()
		unwatch()
	}
}

// watch begins to follow edits of the Portfile and of the code.
func (u *upRun) watch() (stop func()) {
	u.unfollow = func() {}
	if u.options.NoWatch {
		return u.unfollow
	}
	code := newCodeWatch(u.run.Project.File.Dir, u.controller, u.display.own)
	run := u.run
	run.Members = u.controller.Members
	files, err := u.session.follow(run, u.plan, u.display.own, code, u.live)
	if err != nil {
		u.session.note("edits of %s are not followed: %v", u.run.Project.File.Name, err)
		return code.close
	}
	u.plans, u.unfollow = files.plans, sync.OnceFunc(files.stop)
	u.sync = func(ctx context.Context, urgent bool) control.Pending {
		refused := files.sync(ctx)
		return control.Pending{Delayed: code.sync(ctx, urgent), Refused: u.session.refusals(refused)}
	}
	return func() {
		u.unfollow()
		code.close()
	}
}

// serve begins to let other terminals steer the run.
func (u *upRun) serve(claim control.Claim, from *background) (stop func()) {
	run := control.Run{
		About:      control.Info{Project: u.scope.Project, Worktree: u.scope.Worktree},
		Controller: u.controller, Output: &u.display.tail, Journal: &u.display.journal,
		Sync: u.sync,
	}
	if from != nil {
		run.Starter = from.starter
	}
	return claim.Serve(run)
}

// launch runs the services to their end, and returns when all that they have
// printed has been written.
func (u *upRun) launch(id string) error {
	instance := &launcher.Instance{ID: id, Dedicated: true}
	if u.console != nil {
		instance.Restore = &launcher.Restore{Terminal: os.Stdin, State: u.console.Found()}
	}
	ran := launcher.Run(context.Background(), u.plan, launcher.Options{
		Output:     u.display.out,
		Notify:     u.notify,
		Signals:    u.signals,
		Plans:      u.plans,
		StopOnExit: u.options.StopOnExit,
		Watching:   !u.options.NoWatch,
		Terminals:  u.terminals,
		Instance:   instance,
		Controller: u.controller,
		Listening:  listeningPorts,
	})
	u.live.Close()
	u.session.notices.showIn(nil) // what comes now would not be written
	flushed := u.display.flush(u.signals, u.stopped)
	var exit *launcher.ExitError
	if errors.As(ran, &exit) {
		return failure{status: exit.Status}
	}
	return errors.Join(ran, flushed)
}

// notify shows an event.
func (u *upRun) notify(e launcher.Event) {
	if stopping, ok := e.(launcher.Stopping); ok {
		if stopping.Service == "" {
			u.stopped, u.signalled = time.Now(), stopping.Signal
		}
		go u.unfollow() // the kernel takes its time for that; the stop of watch waits for it
	}
	u.display.tell(e)
}

// begin makes everything ready for the start. Whatever is in its way is found
// here, all of it at once, and nothing has been started.
func (s session) begin(r project.Run, noPins bool, signals chan os.Signal) (plan procfile.Plan, scope registry.Scope, c control.Claim, err error) {
	var checked procfile.Plan // before the claim, which ends what a dead run has left
	if r.Project, checked, scope, err = r.Project.Prepare(); err != nil {
		return plan, scope, c, err
	}
	signal.Notify(signals, stopSignals()...) // until here a signal ends devports as it ends any program
	if c, err = s.claim(scope, noPins); err != nil {
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
	s.noteUnbound(r.Project, scope)
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
