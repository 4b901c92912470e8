package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/setup"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

var setupCommand = command{
	name:  "setup",
	usage: "run the steps of [setup] that are not up to date",
	args:  "[STEP…]",
	help: `
Runs the steps of the Portfile's [setup], or the named ones with the steps that
they depend on: those that have not run in this checkout, or whose "when" files,
command, dir or env have changed since, or if something that they create is
gone. It starts the services that these steps depend on, and stops them
afterwards. If devports up is running here, that run runs the steps. Their output
goes to standard output, and messages to standard error.

With --force, it runs the steps even if they are up to date. devports up also
runs the steps, before the services that wait for them.

Example:
  devports setup
  devports setup --force deps`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Usage: "run the steps even if they are up to date"},
		&cli.DurationFlag{Name: "timeout", Value: time.Hour, Usage: "wait at most `TIME`", DefaultText: "1h"},
		noPinsFlag, fileFlag, registryFlag,
	},
	completes: steps,
	run: func(s session, c *cli.Context) error {
		return s.setup(c)
	},
}

// setup runs steps in the run of this checkout, or in a temporary one.
func (s session) setup(c *cli.Context) error {
	p, err := s.openProject(c)
	if err != nil {
		return err
	}
	names := p.ResolveNames(c.Args().Slice()...)
	if err := declaresSteps(p.File, names); err != nil {
		return err
	}
	if len(names) == 0 {
		names = p.File.Steps()
	}
	if len(names) == 0 {
		s.copyMissing(p)
		s.note("%s has no [setup]", p.File.Name)
		return nil
	}
	b, err := s.borrow(c)
	if err != nil {
		return err
	}
	store, err := s.setupStore(p, b.scope)
	if err != nil {
		return err
	}
	if c.Bool("force") {
		if err := store.Forget(names...); err != nil {
			return err
		}
	}
	needed := p.File.WithDependencies(names)
	stale, err := s.staleSteps(c.Context, s.withPins(p, c), b.scope, needed)
	if err != nil {
		return err
	}
	if len(stale) == 0 {
		s.note("%s up to date", isOrAre(names))
		return nil
	}
	b.options.Services, b.names, b.steps = names, needed, stale
	return b.runSteps()
}

func isOrAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return wording.List(names) + " are"
}

// declaresSteps returns an error unless the file declares these steps.
func declaresSteps(file procfile.File, names []string) error {
	f := failure{status: exitUsage}
	for _, name := range names {
		if known := file.Steps(); !slices.Contains(known, name) {
			hint := "available steps: " + wording.List(known)
			if near, ok := text.Nearest(name, known); ok {
				hint = "did you mean " + near + "?"
			} else if len(known) == 0 {
				hint = "declare steps in [setup]: devports help portfile"
			}
			f.lines = append(f.lines, errorLine{file.Name + " has no step " + name, hint})
		}
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}

// staleSteps returns those of the steps that would run now.
func (s session) staleSteps(ctx context.Context, p project.Project, scope registry.Scope, names []string) (stale []string, err error) {
	plan, err := p.Resolve(ctx)
	if err != nil {
		return nil, err
	}
	why := s.staleReasons(p, scope, plan)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(why)), func(name string) bool { return !slices.Contains(names, name) }), nil
}

// staleReasons returns the steps of a plan that would run now, and why.
func (s session) staleReasons(p project.Project, scope registry.Scope, plan procfile.Plan) map[string]string {
	why := map[string]string{}
	store, err := s.setupStore(p, scope)
	for _, step := range plan.Services {
		if step.Setup == nil {
			continue
		}
		reason := ""
		if err == nil {
			reason, err = store.Stale(step)
		}
		if err != nil {
			reason = err.Error()
		}
		if reason != "" {
			why[step.Service] = reason
		}
	}
	return why
}

// setupStore is the state of the steps in a scope.
func (s session) setupStore(p project.Project, scope registry.Scope) (setup.Store, error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return setup.Store{}, err
	}
	slot, err := s.slot(scope)
	return setup.NewStore(home, setup.Checkout{Slot: slot.Name(), Directory: scope.Directory, ID: p.Checkout.ID}), err
}

// drainTime limits how long the last lines of steps may take to arrive.
const drainTime = 5 * time.Second

// runSteps runs steps, and prints their output.
func (b *borrowed) runSteps() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)

	reading, cancel := context.WithCancel(context.Background())
	defer cancel()
	var printing sync.WaitGroup
	asked, q, seen := time.Now(), control.LogQuery{Last: -1, Follow: true}, int64(0)
	show := func(e control.LogEntry) error {
		if e.Missed > 0 {
			b.note("missing %s here: they were printed too fast", wording.Count(int(e.Missed), "line"))
		} else {
			b.print(e.Service, e.Text)
		}
		seen += max(1, e.Missed)
		return nil
	}
	b.started = func(ctx context.Context) error {
		client := b.instance.Client()
		if b.spawned == nil {
			b.note("waiting for %s in %s, which is running (pid %d)", wording.List(b.steps), b.scope, b.instance.Note.PID)
			info, err := client.Start(ctx, b.steps...)
			if err != nil {
				return err
			}
			q.Services, q.Since = b.steps, earliestStart(info.Services, b.steps, asked)
		}
		printing.Go(func() { _ = client.Logs(reading, q, show) })
		return nil
	}
	ctx, stopped := firstSignal(signals)
	err := b.start(ctx)
	if sig := stopped(); sig != nil {
		err = failure{status: statusOfSignal(sig)}
	}
	ending, _ := firstSignal(signals) // a second Ctrl-C skips the wait
	b.end(ending)
	if b.spawned != nil {
		time.AfterFunc(drainTime, cancel)
		printing.Wait() // until the run has ended
		if seen == 0 {  // which was before it could be reached
			b.showBackground(b.spawned, b.slot, backgroundLines, b.print)
		}
	} else if !q.Since.IsZero() {
		cancel()
		printing.Wait()
		b.showRest(q, seen, show)
	}
	var f failure
	if errors.As(err, &f) && f.status == exitRunFailed {
		f.status = exitFailed
		return f
	}
	return err
}

// showRest shows the lines after the first n, once the steps have ended: these may
// not all have arrived.
func (b *borrowed) showRest(q control.LogQuery, n int64, show func(control.LogEntry) error) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	q.Follow = false
	_ = b.instance.Client().Logs(ctx, q, func(e control.LogEntry) error {
		if n > 0 {
			n--
			return nil
		}
		return show(e)
	})
}

// earliestStart returns when the first of those services was started that run
// now, if that was before at.
func earliestStart(all []launcher.Status, names []string, at time.Time) time.Time {
	for _, st := range all {
		if !st.Since.IsZero() && st.LastStarted.Before(at) && slices.Contains(names, st.Service) {
			at = st.LastStarted
		}
	}
	return at
}

// print prints a line of the run: the output of steps to standard output, and
// that of services which run for a command to standard error.
func (b *borrowed) print(service, text string) {
	s := b.session
	if len(b.steps) > 0 && service != output.Own {
		s.stderr = s.stdout
	}
	s.printLine(service, text)
}

// beginStep begins the turn of a step in this run.
func (u *upRun) beginStep(ctx context.Context, step procfile.Process, force bool) (launcher.Turn, error) {
	store, err := u.session.setupStore(u.run.Project, u.scope)
	if err != nil {
		return launcher.Turn{}, err
	}
	say := func(format string, args ...any) { u.display.own.Say(fmt.Sprintf(format, args...)) }
	turn, err := store.Begin(ctx, step, force, setup.Observer{
		Waiting: func(held *lockfile.HeldError) {
			say("%s waits: %s runs it in this directory", step.Service, describeHolder(held))
		},
		Incomplete: func(missing []string) {
			say("%s succeeded but did not create %s, so it will run again next time (creates is relative to the Portfile's directory)",
				step.Service, strings.Join(missing, ", "))
		},
		Changed: func() {
			say("%s changed while %s was running: devports assumes that %[2]s changed it, and does not run %[2]s again", text.Join(step.Watch, "or"), step.Service)
		},
	})
	if errors.Is(err, context.Canceled) {
		err = errors.New("stopped while it waited for another run")
	}
	return turn, err
}

// changedSince reports whether a change of files concerns a step: it is not
// running, and their content differs from that after its latest run.
func (u *upRun) changedSince(step procfile.Process) bool {
	store, err := u.session.setupStore(u.run.Project, u.scope)
	return err != nil || store.Changed(step)
}

// describeHolder names the process that holds a lock.
func describeHolder(held *lockfile.HeldError) string {
	if held.PID == 0 {
		return "another devports"
	}
	return text.OneLine(held.Command) + " (pid " + wording.Numbers([]int{held.PID}) + ")"
}

// steps completes the names of steps.
func steps(l line) []candidate {
	return l.services(func(s procfile.Service) bool { return s.Step })
}
