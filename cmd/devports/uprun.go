package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
	last     func(ctx context.Context, service string, n int) ([]output.Line, error)
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
	u.display = u.session.display(style, u.options.Raw || u.options.Log != "", u.plan, u.console, u.recorder)
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
		Title: u.scope.String(), Run: viewedRun{u.controller, u.bringUpToDate, u.sharing}, Output: u.display.out, Colors: colors, Log: u.log, Last: u.last,
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
		About:      control.Info{Project: u.scope.Project, Worktree: u.scope.Worktree, NoFront: u.plan.Site.URL("") == ""},
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
