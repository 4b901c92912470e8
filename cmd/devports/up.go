package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/cmd/devports/internal/diagnosis"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/front"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var upCommand = command{
	name:  "up",
	usage: "start the services of the Portfile and apply its edits",
	args:  "[SERVICE…]",
	help: `
Starts all services except those with autostart = false, or the named services
and groups, and their dependencies, each with its own port in PORT and the port
of every service of the Portfile in PORT_<NAME>. Below a Portfile that another
includes, it starts the services of that file. While it runs, up applies edits
to the Portfile and env files, and restarts only the services that an edit
affects. Ctrl-C stops all services, a second Ctrl-C kills them.

On a terminal, rows at the bottom show the state of each service, failed ones
first. Press ? for a list of the keys:

  1-9 arrows  pick a service, and show only its output
  g           pick it by the first letters of its name
  0 Esc       show all output
  /           show only lines that match a regular expression
  p           pause or resume the output
  i e         details of the picked service, and its environment: values of
              variables whose names suggest a secret are masked until e is
              pressed again
  l           open its log in PAGER
  r R         restart it; R also restarts the services that depend on it
  s           stop or start it
  a           type to it, until Ctrl-]
  o           open it in the browser
  Ctrl-L      clear the screen
  q           quit, after a second q, Enter or y

Restarts and starts by keys apply earlier edits first. Colours are readable on
dark and on light backgrounds; NO_COLOR turns them off. With --plain, or if the
output is not a terminal, there are only lines.

On a terminal, without a Portfile, up offers to start what devports init finds.

With -d, up runs in the background, where devports ps, logs and down find it;
devports attach shows the rows and takes the keys. On a terminal, services get
terminals of their own then, too, so that you can type to them.
With -d --last, up starts every background run again that the machine's shutdown
or SIGKILL interrupted, with its options and the environment of this shell. Runs
that ended, or that devports down stopped, are not started.

The exit status is 0 after Ctrl-C, else the status of the first service that
failed.

Example:
  devports up
  devports up web auth
  devports up backend --without docs
  devports up -m worker=3
  devports up -d
  devports up -d --last
  devports up -f examples/shop/Portfile --no-watch`,
	flags: []cli.Flag{
		fileFlag,
		&cli.GenericFlag{
			Name: "replicas", Aliases: []string{"m"}, Value: replicas{}, DefaultText: "as in the Portfile",
			Usage: "run several copies of services: `SERVICE=NUMBER,…`",
		},
		withoutFlag,
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "run in the background, and return when all services are ready"},
		&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "with -d, wait at most `TIME`", DefaultText: "1m"},
		&cli.BoolFlag{Name: "keep-waiting", Usage: "with -d, keep waiting when a service fails"},
		&cli.StringFlag{Name: "log", Usage: "write to `FILE`, rotated at 10 MB; keep 3 old files"},
		&cli.BoolFlag{Name: "last", Usage: "with -d, start interrupted background runs again, after a reboot"},
		&cli.BoolFlag{Name: "no-watch", Usage: "do not watch files: ignore edits to the Portfile, env files and code"},
		&cli.BoolFlag{Name: "stop-on-exit", Usage: "stop all services when one ends, and exit with its status"},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "colour service names: `WHEN` is auto, always or never"},
		&cli.BoolFlag{Name: "timestamps", Usage: "print the time before each line"},
		&cli.BoolFlag{Name: "plain", Usage: "print only lines, without the live view at the bottom of the terminal"},
		&cli.BoolFlag{Name: "raw", Usage: "print plain lines, and pass all control sequences to the terminal"},
		&cli.BoolFlag{Name: "no-prefix", Usage: "print only the services' output; devports' own lines go to stderr"},
		&cli.BoolFlag{Name: "no-front", Usage: "do not give the services named addresses"},
		&cli.BoolFlag{Name: "no-setup", Usage: "do not run the steps of [setup], nor wait for them"},
		&cli.BoolFlag{Name: "reassign", Usage: "permanently move ports that another process holds"},
		noPinsFlag,
		registryFlag,
	},
	completes: servicesAndGroups,
	run:       up,
}

func up(s session, c *cli.Context) error {
	o := readUpOptions(c)
	if c.Bool("last") {
		if !c.Bool("detach") || c.NArg() > 0 {
			return usage("devports up -d --last", "--last requires -d, and takes no services")
		}
		return s.upLast(c.Context, c.Duration("timeout"))
	}
	o.NoPins = s.noPins(c)
	o.Below = below(o)
	s.unpinned = func(p project.Project) { s.notePins(p, c) }
	o, err := s.offer(o)
	if err != nil {
		return err
	}
	if c.Bool("detach") {
		return s.detach(c.Context, o, c.Duration("timeout"), c.Bool("keep-waiting"))
	}
	s.noteBackground()
	return s.up(o, nil)
}

// open reads the project that the options name, and checks that it declares the
// services. It returns the options with the names of the project.
func (o upOptions) open(s session) (_ upOptions, p project.Project, color bool, err error) {
	if color, err = s.colored(o.Color, s.stdout); err != nil {
		return o, p, false, err
	}
	if p, err = s.projectOf(o); err != nil {
		return o, p, false, err
	}
	if !o.Named {
		o.Services, o.Without, o.Replicas, o.Named = p.Named(o.Services...), p.Named(o.Without...), p.Scale(), true
		p = p.In("")
	}
	if o.NoFront {
		p = p.WithoutFront()
	}
	if o.NoSetup {
		p = p.WithoutSetup()
	}
	if o.NoPins {
		p = p.WithoutPins()
		if s.unpinned != nil {
			s.unpinned(p)
		}
	}
	return o, p, color, o.checkSelection(p.File)
}

// up runs the services in this process until they end. A run in the background
// must be reachable: there is no terminal to stop it from.
func (s session) up(o upOptions, from *background) error {
	watchdog := startWatchdog()
	defer watchdog.Dismiss()
	memory := collectRarely()
	defer memory.Stop()
	o, p, color, err := o.open(s)
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
	store, err := s.logStore()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 4)
	defer signal.Stop(signals)

	r := project.Run{
		Project: p, Selected: o.Services, Below: o.Below, Without: o.Without, Reassign: o.Reassign, Shared: from.sharing(),
	}
	plan, scope, claim, err := s.begin(r, o.NoPins, signals, from)
	if err != nil {
		return err
	}
	defer claim.Release()
	if from == nil {
		s.noteIncluded(o, p.File)
	}
	if len(plan.Services) >= manyServices {
		debug.SetGCPercent(400) // until the timer of memory fires
	}
	if r.Shared {
		log, err := from.claimed()
		if err != nil {
			return err
		}
		from.log.to = log
	}
	if claim.SocketErr != nil {
		if from != nil {
			return fail(exitFailed, "set XDG_RUNTIME_DIR or TMPDIR to a directory that you own, with a short path", "nothing was started: cannot create the control socket: %s", oneLine(claim.SocketErr))
		}
		s.note("no control socket: devports ps, logs and restart cannot reach this run, only devports down can: %s", oneLine(claim.SocketErr))
	}

	u := &upRun{
		session: s, run: r, options: o, plan: plan, scope: scope, signals: signals,
		controller: launcher.NewController(), memory: memory, watching: make(chan struct{}), sites: make(chan procfile.Site, 1),
	}
	u.containers.Store(hasContainers(plan))
	shown := make(chan struct{})
	if r.Shared {
		u.scope.Worktree = control.SharedLabel
		scope = u.scope
	} else if u.sharing, err = s.newSharing(p, scope, o, u.controller); err != nil {
		return err
	}
	u.recorder = s.record(store, claim, scope, names(plan), shown)
	if u.recorder != nil {
		u.log = viewLog(store, claim.Slot().Name(), u.recorder.Sync)
	}
	// These start here, in order, and stop in reverse order. Each has ended
	// when its stop function returns.
	defer u.show(color, from)()
	close(shown)
	defer u.watch()()
	defer u.serve(claim, from)()
	defer u.remember(from)()
	defer u.announce(claim.Note.ID)()
	defer u.endWithCheckout()()
	err = u.launch(claim.Note.ID, watchdog)
	if u.containers.Load() {
		s.removeContainers(scope, u.run.Shared, claim.Note.ID, "")
	}
	u.endRecording(err)
	return err
}

// startWatchdog starts the watchdog of a run while the run is prepared.
func startWatchdog() *system.EarlyWatchdog {
	if isTerminal(os.Stdin) {
		return system.StartWatchdog(os.Stdin)
	}
	return system.StartWatchdog(nil)
}

// settleTime is how long after the last start of a service its memory is
// released.
const settleTime = time.Second

// collectRarely keeps the garbage collector from running while services start:
// most of the memory allocated then stays in use. The rest is released once
// settleTime has passed since the timer was last reset.
func collectRarely() *time.Timer {
	before := debug.SetGCPercent(200)
	return time.AfterFunc(settleTime, func() {
		debug.SetGCPercent(before)
		debug.FreeOSMemory()
	})
}

// manyServices is from how many services on even less garbage is collected: each
// gets a copy of all variables, so that the start of 500 makes 50 MB of garbage,
// and takes 4 % longer otherwise. With few services, the memory matters more: one
// that prints much has its garbage collected, too.
const manyServices = 100

// oneLine formats an error of several lines as one.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// upRun is an `up` whose services are about to start, with its output, its
// watchers and its control server.
type upRun struct {
	session    session
	run        project.Run
	options    upOptions
	plan       procfile.Plan
	scope      registry.Scope
	signals    chan os.Signal
	controller *launcher.Controller
	memory     *time.Timer // of collectRarely

	sharing  *sharing           // nil: it has no shared services
	recorder *logstore.Recorder // nil: what services print is not recorded
	log      func(ctx context.Context, service string, to io.Writer) error
	outcome  outcome

	display   *display
	console   *view.Console       // nil without a live view
	live      *view.View          // nil without a live view
	warning   atomic.Value        // see control.Run
	terminals *launcher.Terminals // nil: services print to pipes

	plans    <-chan procfile.Plan            // nil with --no-watch
	unfollow func()                          // stops sending plans
	sync     control.Sync                    // nil with --no-watch
	names    atomic.Pointer[front.Announced] // nil: not announced
	sites    chan procfile.Site              // receives the latest site, once an edit has been applied
	watching chan struct{}                   // closed when plans, unfollow and sync are set
	stopped  time.Time                       // when the run began to stop; zero if it has not

	containers atomic.Bool // a plan of the run had services in containers

	signalled  bool // a signal stopped the run
	saidOthers bool // see keepsRunning
}

// show starts to show the run.
func (u *upRun) show(color bool, from *background) (stop func()) {
	window, resized, unwatch := u.session.window()
	if from != nil && from.terminal != nil {
		window = func() terminal.Size { return *from.terminal }
	}
	var colors *palette.Palette
	style := output.Style{Timestamps: u.options.Timestamps, NoPrefix: u.options.NoPrefix}
	if color {
		p := u.session.palette()
		colors, style.Colors = &p, p.Names
	}
	if from == nil {
		style.NameWidth = nameWidth(window)
	}
	u.console = u.session.console(u.options, window)
	u.display = u.session.display(style, u.options.Raw, u.plan, u.console, u.recorder)
	if from != nil && u.options.Log == "" { // what is recorded is shown by devports logs
		u.display.out.SetFilter(output.Filter{Service: output.Own, Nothing: u.recorder != nil}, output.Replay{})
	}
	u.display.scope = u.scope.String()
	u.session.notices.redirect(u.display.own)
	if u.run.Shared {
		u.display.own.Say(fmt.Sprintf("%s: started by %s", u.scope, from.shared.By))
	} else {
		u.display.own.Say(fmt.Sprintf("%s: starting %s", u.scope, wording.List(names(u.plan))))
	}
	if window != nil {
		u.terminals = &launcher.Terminals{Resized: resized, Size: func(string) terminal.Size {
			size := window()
			size.Columns -= u.display.out.PrefixWidth()
			return size
		}}
	}
	if u.console == nil {
		return unwatch
	}
	u.live = u.console.Show(view.Options{
		Title: u.scope.String(), Run: viewedRun{u.controller, u.bringUpToDate, u.sharing}, Output: u.display.out, Colors: colors, Log: u.log,
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

// bringUpToDate returns once the run has applied all earlier edits of its files,
// or after syncTimeout.
func (u *upRun) bringUpToDate(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	select {
	case <-u.watching:
		if u.sync != nil {
			u.sync(ctx, true)
		}
	case <-ctx.Done():
	}
}

// warn shows a warning in all live views of the run; "" removes it.
func (u *upRun) warn(text string) {
	u.live.Warn(text)
	u.warning.Store(text)
	u.controller.NotifyWatchers()
}

// watch starts to follow edits of the Portfile and of the code.
func (u *upRun) watch() (stop func()) {
	defer close(u.watching)
	u.unfollow = func() {}
	if u.options.NoWatch {
		return u.unfollow
	}
	code := newCodeWatch(u.run.Project.File.Dir, u.controller, u.display.own, &u.display.causes)
	code.changed = u.changedSince
	run := u.run
	run.Members = u.controller.Members
	files, err := u.session.follow(run, u.plan, u.display.own, code, u.warn, u.moveNames)
	if err != nil {
		u.session.note("not watching %s for edits: %v", u.run.Project.File.Name, err)
		return code.close
	}
	u.plans, u.unfollow = files.plans, sync.OnceFunc(files.stop)
	u.sync = func(ctx context.Context, urgent bool) control.Pending {
		refused := files.sync(ctx)
		u.sharing.sync(ctx)
		return control.Pending{Delayed: code.sync(ctx, urgent), Refused: u.session.refusals(refused)}
	}
	return func() {
		u.unfollow()
		code.close()
	}
}

// serve starts the control server, for commands in other terminals.
func (u *upRun) serve(claim control.Claim, from *background) (stop func()) {
	run := control.Run{
		About:      control.Info{Project: u.scope.Project, Worktree: u.scope.Worktree},
		Controller: u.controller, Output: &u.display.tail, Journal: &u.display.journal,
		Sync: u.sync, Warning: &u.warning,
	}
	if from != nil {
		run.Starter = from.starter
	}
	if u.run.Shared {
		run.Linger = shareLinger
	}
	run.Shared = u.sharing.commands()
	if u.recorder != nil {
		run.Recorder = u.recorder
	}
	return claim.Serve(run)
}

// launch runs the services until they end, and returns when all their output
// has been written.
func (u *upRun) launch(id string, watchdog *system.EarlyWatchdog) error {
	instance := &launcher.Instance{ID: id, Dedicated: true, Watchdog: watchdog}
	if u.console != nil {
		instance.Restore = &launcher.Restore{Terminal: os.Stdin, State: u.console.Found()}
	}
	ran := launcher.Run(context.Background(), u.plan, launcher.Options{
		Output:     u.display.out,
		Notify:     u.notify,
		Signals:    u.signals,
		Plans:      u.plans,
		StopOnExit: u.options.StopOnExit,
		Lasting:    u.run.Shared,
		Sharing:    u.sharing.follower(),
		Watching:   !u.options.NoWatch,
		Terminals:  u.terminals,
		Instance:   instance,
		Controller: u.controller,
		Listening:  listeningPorts, AllListening: holder.ListeningPorts,
		Drain: u.drain,
		Setup: u.beginStep,
		Explain: func(p procfile.Process, exit launcher.Exit, started time.Time) string {
			return diagnosis.Explain(u.run.Project.File.Dir, p, exit, func() string {
				return strings.Join(u.display.tail.Last(p.Service, explainLines, started), "\n")
			})
		},
	})
	u.live.Close()
	u.session.notices.redirect(nil) // the output is about to close
	flushed := u.display.flush(u.signals, u.stopped)
	var exit *launcher.ExitError
	if errors.As(ran, &exit) {
		return failure{status: exit.Status}
	}
	return errors.Join(ran, flushed)
}

// explainLines is how many of the last lines of a service that has failed may
// show why.
const explainLines = 40

// notify shows an event.
func (u *upRun) notify(e launcher.Event) {
	if stopping, ok := e.(launcher.Stopping); ok {
		if stopping.Service == "" {
			u.stopped, u.signalled = time.Now(), stopping.Signal
		}
		go u.unfollow() // slow in the kernel; the stop function of watch waits for it
	}
	if _, ok := e.(launcher.Started); ok && u.memory.Stop() { // once only: services restart
		u.memory.Reset(settleTime)
	}
	u.outcome.add(e)
	u.display.show(e)
	if ended, ok := e.(launcher.Ended); ok && u.keepsRunning(ended) {
		u.display.own.Say("the other services keep running (to stop all when one ends: devports up --stop-on-exit)")
	}
}

// keepsRunning reports whether a service of a Procfile has ended and others run
// on, for the first time: foreman and its relatives would stop them.
func (u *upRun) keepsRunning(e launcher.Ended) bool {
	stops := u.options.StopOnExit || e.Exit.Requested || e.Retry > 0 || !u.stopped.IsZero()
	if !u.run.Project.File.Procfile || u.saidOthers || stops || len(u.plan.Services) < 2 {
		return false
	}
	u.saidOthers = true
	return u.session.isNew(fmt.Sprintf("the others keep running in %q", u.run.Project.File.Dir))
}

// begin prepares the start: it checks the project, claims the scope and leases
// the ports. It reports all problems at once, before anything is started.
func (s session) begin(r project.Run, noPins bool, signals chan os.Signal, from *background) (plan procfile.Plan, scope registry.Scope, c control.Claim, err error) {
	notes := s.copyFiles(r.Project)
	var checked procfile.Plan // before the claim, which kills the orphans of a dead run
	if r.Project, checked, scope, err = r.Project.Prepare(); err != nil {
		return plan, scope, c, err
	}
	s.loadContainers(context.Background(), checked, scope)
	signal.Notify(signals, stopSignals()...) // until here, signals have their default effect
	if from.sharing() {
		c, err = s.claimShared(r.Project, scope, from)
	} else {
		c, err = s.claim(scope, noPins)
	}
	if err != nil {
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
	if hasContainers(plan) && (c.Killed.Note.ID == "" || from.sharing()) { // else claim has removed them
		s.removeContainers(scope, from.sharing(), "", "an earlier run has left containers: removed %s")
	}
	s.notes(s.unseen(slices.Concat(notes, checked.Notes, containerNotes(checked, plan)), r.Project.File.Dir))
	s.noteUnbound(r.Project, scope)
	s.noteFrontPort(plan.Site.Port)
	return plan, scope, c, nil
}

// stopSignals are the signals that stop `up`. A SIGHUP that was ignored when
// devports started stays ignored, as nohup requires.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	// Writing to a closed pipe must return an error, not kill devports.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signals
}

// untilSignal returns a context that a signal cancels. interrupted cancels it,
// too, and reports whether a signal arrived before.
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
