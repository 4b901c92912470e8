package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/registry"
)

// runUp runs a command while services run.
func (s session) runUp(c *cli.Context) error {
	b, err := s.borrow(c)
	if err != nil {
		return s.runFailed(err)
	}
	if _, err := s.program(c); err != nil { // before any service is started
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)

	ctx, stopped := firstSignal(signals)
	err = b.start(ctx)
	if err != nil {
		err = s.runFailed(err)
	}
	if sig := stopped(); sig != nil {
		err = failure{status: statusOfSignal(sig)}
	}
	started := err == nil
	if started {
		err = s.runChild(c, signals)
	}
	ending, _ := firstSignal(signals) // a second Ctrl-C skips the wait
	if started {
		b.reportFailed(ending)
	}
	b.end(ending)
	return err
}

// runChild runs the command. It resolves the environment again, because the
// start may have moved a port.
func (s session) runChild(c *cli.Context, signals <-chan os.Signal) error {
	p, err := s.program(c)
	if err != nil {
		return err
	}
	cmd := p.child()
	release, err := system.StartTied(cmd)
	if err != nil {
		return p.notRun(err)
	}
	defer release()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return p.notRun(err)
		case sig := <-signals:
			if !fromTerminal(sig) { // else the command has received it, too
				_ = cmd.Process.Signal(sig)
			}
		}
	}
}

// child is the program as a child of this process, with its files.
func (p program) child() *exec.Cmd {
	return &exec.Cmd{
		Path: p.path, Args: p.argv, Env: p.env, Dir: p.dir, SysProcAttr: p.attr,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
}

// firstSignal returns a context that a signal cancels. stop cancels it, too,
// and returns the signal that arrived before, or nil.
func firstSignal(signals <-chan os.Signal) (ctx context.Context, stop func() os.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan os.Signal, 1)
	go func() {
		select {
		case sig := <-signals:
			cancel()
			came <- sig
		case <-ctx.Done():
			came <- nil
		}
	}()
	return ctx, sync.OnceValue(func() os.Signal {
		cancel()
		return <-came
	})
}

func statusOfSignal(sig os.Signal) int {
	if number, ok := sig.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return exitRunFailed
}

// borrowed are services that run for a command: in an existing run, or in a
// temporary one that ends with the command.
type borrowed struct {
	session
	scope   registry.Scope
	slot    control.Slot
	options upOptions // for a run that is started
	names   []string  // of the services that the command needs; none stands for all
	fresh   bool
	timeout time.Duration

	steps   []string                        // of the setup, which the run is for; none: it is for a command
	started func(ctx context.Context) error // called when the run can be reached; nil for none

	background *control.Background // a run that was started; nil for none
	spawned    *control.Background // the same, even once it has ended
	instance   control.Instance
	hold       control.Hold
	held       bool
}

// borrow reads from the command line which services the command needs.
func (s session) borrow(c *cli.Context) (*borrowed, error) {
	p, err := s.openProject(c)
	if err != nil {
		return nil, err
	}
	if p.File.Path == "" {
		return nil, usage(runLine(c, "--up -f Portfile ")+" COMMAND", "--up requires a file: it cannot read standard input or a pipe again")
	}
	b := &borrowed{session: s, fresh: c.Bool("fresh"), timeout: c.Duration("timeout")}
	b.options = upOptions{File: p.File.Path, Registry: c.String("registry"), NoPins: s.noPins(c)}
	if name := c.String("service"); name != "" {
		name = p.ResolveNames(name)[0]
		if err := declares(p.File, []string{name}); err != nil {
			return nil, err
		}
		b.options.Services, b.names = []string{name}, p.File.WithDependencies([]string{name})
	}
	if b.options.Registry != "" {
		if b.options.Registry, err = filepath.Abs(b.options.Registry); err != nil {
			return nil, err
		}
	}
	s.copyMissing(p)
	if b.scope, err = p.Scope(); err != nil {
		return nil, err
	}
	b.slot, err = s.slot(b.scope)
	return b, err
}

// start starts or joins a run, and returns when all services are ready.
func (b *borrowed) start(ctx context.Context) error {
	for {
		i, ok := b.slot.Running()
		var err error
		if ok {
			err = b.join(ctx, i)
		} else {
			err = b.spawn(ctx)
		}
		switch {
		case errors.Is(err, launcher.ErrEnded):
			b.release()
			err = i.AwaitEnd(ctx)
		case errors.Is(err, control.ErrSlotTaken):
			err = nil
		default:
			return err
		}
		if err != nil {
			return err
		}
	}
}

// join starts the missing services of a run. The error is launcher.ErrEnded if
// the run is ending.
func (b *borrowed) join(ctx context.Context, i control.Instance) (err error) {
	b.instance = i
	b.hold, err = i.Client().Hold(ctx, b.names, len(b.names) == 0, b.fresh)
	switch {
	case errors.Is(err, control.ErrHeld):
		return fail(exitRunFailed, "wait until it ends, or run without --fresh", "another devports run --up uses %s: --fresh would restart its services", b.scope)
	case errors.Is(err, launcher.ErrEnded), ctx.Err() != nil:
		return err
	case len(b.steps) > 0 && errors.As(err, new(*launcher.UnknownServiceError)):
		return fail(exitRunFailed, "devports down, then devports setup", "%s was started with --no-setup, or with an earlier Portfile", b.scope)
	case err != nil:
		return requestFailed(b.scope, err)
	}
	b.held = true
	if started := b.hold.Info.HeldOnly; len(started) > 0 {
		b.note("%s is already running: started %s", b.scope, wording.List(started))
	}
	if b.started != nil {
		if err := b.started(ctx); err != nil {
			return err
		}
	}
	return b.await(ctx)
}

// spawn starts a run. The error is control.ErrSlotTaken if another process has
// started one first.
func (b *borrowed) spawn(ctx context.Context) error {
	background, err := b.startInBackground(b.options, b.slot, true)
	if err != nil {
		return err
	}
	b.background, b.spawned = background, background
	client, err := background.AwaitClaim(ctx)
	if errors.Is(err, control.ErrSlotTaken) {
		background.Release()
		b.background, b.spawned = nil, nil
		return err
	}
	if err == nil {
		b.instance = b.slot.Instance()
		b.hold, err = client.Hold(ctx, nil, false, false)
	}
	if err == nil {
		b.held = true
		background.Release() // the hold keeps it running
		if b.started != nil {
			err = b.started(ctx)
		}
		if err == nil {
			err = b.await(ctx)
		}
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	grace := exitGrace
	if errors.Is(err, launcher.ErrEnded) || b.ending(ctx) {
		grace = b.timeout // it has said so
	}
	if status, ended := background.AwaitEnd(ctx, grace); ended {
		b.background, b.held = nil, false
		switch {
		case status == exitStopped && len(b.steps) > 0:
			return fail(exitRunFailed, "", "the setup of %s was stopped", b.scope)
		case status == exitStopped:
			return fail(exitRunFailed, "", "%s was stopped while it was starting", b.scope)
		case status == 0: // all services are done
			return nil
		}
		if len(b.steps) > 0 { // their output was printed
			return fail(exitRunFailed, "", "the setup of %s failed", b.scope)
		}
		b.showBackground(background, b.slot, backgroundLines, b.print)
		return fail(exitRunFailed, "", "%s failed to start", b.scope)
	}
	return err
}

// await waits until all services are ready. The error is launcher.ErrEnded if
// the run ends.
func (b *borrowed) await(ctx context.Context) error {
	client := b.instance.Client()
	info, err := b.awaitSettled(ctx, client, b.names, waitOptions{timeout: b.timeout})
	if errors.Is(err, launcher.ErrEnded) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		return requestFailed(b.scope, err)
	}
	f := failure{status: exitRunFailed}
	for _, st := range b.needed(info) {
		if !isUp(st) {
			f.lines = append(f.lines, errorLine{formatStatus(st), ""})
		}
	}
	if len(f.lines) > 0 {
		if len(b.steps) > 0 {
			return f
		}
		b.printLastLines(ctx, client, inState(info.Services, b.names, launcher.StateFailed, launcher.StateStarting))
		b.hintToType(info, b.names)
		return f
	}
	return nil
}

// ending reports whether the run is ending.
func (b *borrowed) ending(ctx context.Context) bool {
	if !b.held {
		return false
	}
	info, err := b.instance.Client().Status(ctx)
	return errors.Is(err, launcher.ErrEnded) || err == nil && info.Ending
}

func (b *borrowed) needed(info control.Info) []launcher.Status {
	return slices.DeleteFunc(slices.Clone(info.Services), func(st launcher.Status) bool {
		return len(b.names) > 0 && !slices.Contains(b.names, st.Service)
	})
}

// reportTime is how long a run may take to say what has failed, or to exit.
const reportTime = 10 * time.Second

// reportFailed prints which services have failed while the command was running.
func (b *borrowed) reportFailed(ctx context.Context) {
	if !b.held {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	client := b.instance.Client()
	info, err := client.Status(ctx)
	if ctx.Err() == nil && errors.Is(err, launcher.ErrEnded) {
		if b.background != nil {
			if status, ended := b.background.AwaitEnd(ctx, reportTime); ended && status == 0 {
				return // all services are done
			}
			b.showBackground(b.background, b.slot, lastLines, b.print)
		}
		b.note("%s ended while the command was running", b.scope)
	}
	b.printLastLines(ctx, client, inState(info.Services, b.names, launcher.StateFailed))
	for _, st := range b.needed(info) {
		if st.State == launcher.StateFailed || st.State == launcher.StateBackoff {
			b.note("%s", formatStatus(st))
		}
	}
}

// release releases the run without waiting.
func (b *borrowed) release() {
	if b.held {
		b.hold.Close()
	}
	if b.background != nil {
		b.background.Release()
	}
	b.held, b.background = false, nil
}

// end releases the run, and waits until the services end that no other command
// needs.
func (b *borrowed) end(ctx context.Context) {
	switch {
	case b.held:
		info, err := b.hold.Release(ctx)
		b.held = false
		if errors.Is(err, launcher.ErrEnded) || err == nil && info.Ending {
			_ = b.instance.AwaitEnd(ctx) // it ends on its own
		}
	case b.background != nil:
		b.background.Release()
		b.background.AwaitEnd(ctx, b.timeout)
	}
}
