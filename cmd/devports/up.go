package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var upCommand = command{
	name:  "up",
	usage: "start the services of the Portfile, and apply edits to it",
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
  a           type into it, until Ctrl-]
  o           open it in the browser
  Ctrl-L      clear the screen
  q           quit, after a second q, Enter or y

Restarts and starts by keys apply earlier edits first. Colours are readable on
dark and on light backgrounds; NO_COLOR turns them off. With --plain, or if the
output is not a terminal, there are only lines.

On a terminal, without a Portfile, up offers to start what devports init finds.

With -d, up runs in the background, where devports ps, logs and down find it;
devports attach shows the rows and accepts the keys. On a terminal, up -d also
gives each service a terminal of its own, so that you can type into it.
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
		&cli.BoolFlag{Name: "raw", Usage: "print plain lines, with the services' control sequences"},
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
	for option, hint := range map[string]string{"timeout": "devports up -d --timeout 30s", "keep-waiting": "devports up -d --keep-waiting"} {
		if c.IsSet(option) && !c.Bool("detach") {
			return usage(hint, "--%s requires -d", option)
		}
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
		o.Services, o.Without, o.Replicas, o.Named = p.ResolveNames(o.Services...), p.ResolveNames(o.Without...), p.Scale(), true
		p = p.WithDir("")
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
		u.log = viewLog(store, claim.Slot().Name(), u.recorder.Sync, u.controller.Status)
		u.last = viewLast(store, claim.Slot().Name(), u.recorder.Sync)
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
		if err := s.removeContainers(scope, u.run.Shared, claim.Note.ID, ""); err != nil {
			s.note("%v", err)
		}
	}
	u.endRecording(err)
	if from != nil {
		from.stopped = u.outcome.stopping != ""
	}
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

// manyServices is the number of services at which even less garbage is
// collected: each gets a copy of all variables, so that the start of 500 makes
// 50 MB of garbage, and takes 4 % longer otherwise. With few services, the
// memory matters more: one that prints much has its garbage collected, too.
const manyServices = 100

// oneLine formats an error of several lines as one.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// begin prepares the start: it checks the project, claims the scope and leases
// the ports. It reports all problems at once, before anything is started.
func (s session) begin(r project.Run, noPins bool, signals chan os.Signal, from *background) (plan procfile.Plan, scope registry.Scope, c control.Claim, err error) {
	notes := s.copyFiles(r.Project)
	var checked procfile.Plan // before the claim, which kills the orphans of a dead run
	if r, checked, scope, err = r.Prepare(); err != nil {
		return plan, scope, c, err
	}
	s.loadContainers(context.Background(), checked, scope)
	signal.Notify(signals, stopSignals()...) // until here, signals have their default effect
	ctx, interrupted := untilSignal(signals)
	switch {
	case from.sharing():
		c, err = s.claimShared(r.Project, scope, from)
	case from != nil: // which waits itself, or joins the other run
		c, err = s.claim(scope, noPins, checked)
	default:
		c, err = s.claimAfterSetup(ctx, scope, noPins, checked)
	}
	if err != nil {
		interrupted()
		return plan, scope, c, err
	}
	plan, err = r.Start(ctx)
	if interrupted() {
		err = context.Canceled
	}
	if err != nil {
		return plan, scope, c, errors.Join(err, c.Release())
	}
	if hasContainers(plan) && (c.Killed.Note.ID == "" || from.sharing()) { // else claim has removed them
		if err := s.removeContainers(scope, from.sharing(), "", "an earlier run has left containers: removed %s"); err != nil {
			s.note("%v", err)
		}
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
