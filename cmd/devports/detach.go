package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/registry"
)

// backgroundArguments are the arguments of a run in the background. It reads
// its options from standard input, so that no command line of a user can look
// like this one.
var backgroundArguments = []string{"up", "(background)"}

// upInBackground is the main function of a run in the background.
func (s session) upInBackground() error {
	h, err := decodeHandover(s.stdin)
	if err != nil {
		return usage("to start one: devports up -d", "a background run cannot read its options: %v", err)
	}
	var starter chan struct{}
	if h.Temporary { // standard input ends with the process that started this one
		starter = make(chan struct{})
		go func(stdin io.Reader) {
			_, _ = io.Copy(io.Discard, stdin)
			close(starter)
		}(s.stdin)
	}
	s.stdin = strings.NewReader("")
	b := &background{starter: starter, terminal: h.Terminal}
	err = s.up(h.Options, b)
	if err != nil && s.describe(err).status == exitRunning {
		return failure{status: exitRunning} // the process that started this one joins the other run; both use one log
	}
	if err == nil && b.stopped {
		return failure{status: exitStopped}
	}
	return err
}

// exitStopped is the exit status of a run in the background that was stopped,
// rather than done, without a failure. Only the process that started it sees that.
const exitStopped = 128 + 15

// background is set for a run in the background.
type background struct {
	starter  <-chan struct{} // closed when the process that started the run has ended; nil for a permanent run
	terminal *terminal.Size  // see handover
	stopped  bool            // set by up: something stopped the run

	shared  *sharedStart              // it is the run of shared services; nil: it is not
	claimed func() (io.Writer, error) // called once that run has its slot: returns its log
	log     *lateWriter               // of that run
}

// detach starts an `up` of the project in the background, or the missing
// services of one that is already running, and waits until they are ready; with
// keep, also after failures.
func (s session) detach(ctx context.Context, o upOptions, timeout time.Duration, keep bool) error {
	o, p, _, err := o.open(s)
	if err != nil {
		return err
	}
	s.copyMissing(p)
	if p.File.Path == "" && o.Proposed == nil {
		return usage("devports up -d -f Portfile", "-d requires a file: it cannot read standard input or a pipe again")
	}
	s.noteIncluded(o, p.File)
	scope, err := p.Scope()
	if err != nil {
		return err
	}
	slot, err := s.slot(scope)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(timeout); ; {
		d := detached{s, o, p, scope, slot, waitOptions{timeout: time.Until(deadline), keep: keep}}
		i, ok, err := s.runningIn(scope)
		switch {
		case err != nil:
			return err
		case ok && i.Replaced():
			if err = s.endReplaced(i); err == nil {
				err = d.start(ctx)
			}
		case ok:
			err = d.join(ctx, i)
		default:
			err = d.start(ctx)
		}
		switch {
		case errors.Is(err, launcher.ErrEnded):
			bounded, cancel := context.WithDeadline(ctx, deadline)
			err = i.AwaitEnd(bounded)
			cancel()
		case !errors.Is(err, control.ErrSlotTaken):
			return err
		}
		if err != nil && ctx.Err() == nil && time.Now().After(deadline) {
			return fail(exitFailed, "to kill it: devports down --kill", "timed out after %s: the previous run of %s is still stopping", text.Duration(timeout), scope)
		}
	}
}

// detached is a run that `up -d` starts or joins.
type detached struct {
	session
	options upOptions
	project project.Project
	scope   registry.Scope
	slot    control.Slot
	wait    waitOptions
}

// join starts the missing services of a run. The error is launcher.ErrEnded if
// the run is ending.
func (d detached) join(ctx context.Context, i control.Instance) error {
	client := i.Client()
	info, err := client.Status(ctx)
	if err == nil && !info.Ending && (info.Temporary || len(info.HeldOnly) > 0) { // make it permanent
		err = client.Keep(ctx)
	}
	switch {
	case err != nil:
		return d.failed(err)
	case info.Ending:
		return launcher.ErrEnded
	}
	if err := d.remember(info.Temporary); err != nil {
		d.note("up -d --last will not start these services again: %v", err)
	}
	moved := i.Note.Directory != d.scope.Directory
	names := d.options.selection(d.project.File)
	if idle := idleServices(info, names); moved && len(idle) > 0 {
		return fail(exitFailed, "restart it here: devports down && devports up -d",
			"cannot start %s: %s was moved here from %s while it was running", wording.List(idle), d.scope, i.Note.Directory)
	}
	if !moved {
		if err := d.startMissing(ctx, client, info, names); err != nil {
			return err
		}
	}
	info, err = d.awaitSettled(ctx, client, nil, d.wait)
	switch {
	case err != nil:
		return d.failed(err)
	case info.Ending || allDone(info):
		return launcher.ErrEnded
	}
	if moved {
		d.note("%s was moved here from %s while it was running; to apply edits here, restart it: devports down && devports up -d", d.scope, i.Note.Directory)
	}
	if err = d.printStatuses(info, nil, false, isUpOrStopped); err != nil {
		d.printUnready(ctx, client, info, nil)
	}
	return err
}

// startMissing starts those of the services named (none stands for all) that
// have no process, or whose processes are being stopped.
func (d detached) startMissing(ctx context.Context, client control.Client, info control.Info, names []string) error {
	starts := slices.Concat(idleServices(info, names), stoppingServices(info, names))
	if len(starts) == 0 {
		return nil
	}
	r, err := d.registryAt(d.options.Registry)
	if err != nil {
		return err
	}
	if err := d.checkPorts(ctx, r, info, names); err != nil {
		return err
	}
	_, err = client.Start(ctx, starts...)
	return d.failed(err)
}

// failed is the error of a request that has failed.
func (d detached) failed(err error) error {
	if err == nil || errors.Is(err, launcher.ErrEnded) {
		return err
	}
	return requestFailed(d.scope, err)
}

// start starts a run. The error is control.ErrSlotTaken if another process has
// started one first.
func (d detached) start(ctx context.Context) error {
	background, err := d.startInBackground(d.options, d.slot, false)
	if err != nil {
		return err
	}
	client, err := background.AwaitClaim(ctx)
	var info control.Info
	if err == nil {
		info, err = d.awaitSettled(ctx, client, nil, d.wait)
	}
	if err == nil { // a service may have ended right after it was ready
		now, gone := client.Status(ctx)
		if gone == nil {
			info = now
		}
		info.Ending = info.Ending || errors.Is(gone, launcher.ErrEnded)
	}
	grace := exitGrace
	switch {
	case errors.Is(err, control.ErrSlotTaken):
		if status, _ := background.AwaitEnd(ctx, 0); status == exitRunning {
			return err
		}
	case errors.Is(err, launcher.ErrEnded):
		grace = d.wait.timeout // it has said so
	case err == nil:
		fmt.Fprint(d.stderr, background.Output()) // its notes
		if allDone(info) || info.Ending {
			grace = d.wait.timeout // it is going to end
		}
		err = d.printStatuses(info, nil, false, isUpOrStopped)
	}
	if err == nil && grace == exitGrace {
		d.note("%s is running in the background (pid %d): devports attach shows it, devports down stops it", d.scope, background.PID)
		return nil
	}
	status, ended := background.AwaitEnd(ctx, grace)
	switch {
	case ended && status == exitStopped:
		return fail(exitFailed, "to start it again: devports up -d", "%s was stopped while it was starting", d.scope)
	case ended && status == 0:
		if err != nil { // before it could be reached
			d.showBackground(background, d.slot, backgroundLines, d.printLine)
		}
		d.note("%s has ended: all its services are done", d.scope)
		return nil
	case ended:
		return d.backgroundFailed(background, status)
	case err == nil:
		return nil
	}
	fmt.Fprint(d.stderr, background.Output())
	d.printUnready(ctx, client, info, nil)
	return err
}

// backgroundFailed prints the output of a run in the background that has
// failed. If that is empty or may be incomplete, the error says why.
func (d detached) backgroundFailed(background *control.Background, status int) error {
	printed := d.showBackground(background, d.slot, backgroundLines, d.printLine)
	unwritable := background.CheckLog()
	status = max(status, exitFailed)
	switch {
	case errors.Is(unwritable, syscall.ENOSPC):
		return fail(status, "free some space there", "%s failed to start: cannot write %s: the disk is full", d.scope, d.slot.Log())
	case !printed && unwritable != nil:
		return fail(status, "", "%s failed to start, and could not write its log: %v", d.scope, unwritable)
	case !printed:
		return fail(status, "for more, run it in the foreground: devports up", "%s failed to start: it exited with status %d without any output", d.scope, status)
	}
	return failure{status: status}
}

// allDone reports whether all services are done, after which the run ends.
func allDone(info control.Info) bool {
	return !slices.ContainsFunc(info.Services, func(st launcher.Status) bool { return st.State != launcher.StateDone })
}

// exitGrace is how long a run that cannot be reached, or has not said that it ends,
// may take to exit.
const exitGrace = 500 * time.Millisecond

// stoppingServices are the services among names (none stands for all) whose
// processes are being stopped, perhaps by another command. A start does nothing to
// those that restart.
func stoppingServices(info control.Info, names []string) (stopping []string) {
	for _, st := range info.Services {
		if st.State == launcher.StateStopping && (len(names) == 0 || slices.Contains(names, st.Service)) {
			stopping = append(stopping, st.Service)
		}
	}
	return stopping
}

// idleServices are the services among names (none stands for all) that have
// ended or were never started. Unknown names are included: the run refuses
// them.
func idleServices(info control.Info, names []string) (idle []string) {
	for _, name := range info.Inactive {
		if len(names) == 0 || slices.Contains(names, name) {
			idle = append(idle, name)
		}
	}
	for _, name := range names {
		known := slices.ContainsFunc(info.Services, func(st launcher.Status) bool { return st.Service == name })
		if !known && !slices.Contains(idle, name) {
			idle = append(idle, name)
		}
	}
	for _, st := range info.Services {
		if st.Ended() && st.State != launcher.StateDone && (len(names) == 0 || slices.Contains(names, st.Service)) {
			idle = append(idle, st.Service)
		}
	}
	return idle
}

// startInBackground starts a run. A temporary run ends with the last hold on it.
func (s session) startInBackground(o upOptions, slot control.Slot, temporary bool) (*control.Background, error) {
	h := handover{Options: o, Temporary: temporary}
	if window, _, unwatch := s.window(); window != nil && o.Log == "" {
		size := window()
		h.Terminal = &size
		unwatch()
	}
	input, err := h.encode()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return slot.Spawn(control.Program{
		Path: program, Args: append([]string{"devports"}, backgroundArguments...), Env: s.environ, Input: input,
		Tied: temporary,
	})
}
