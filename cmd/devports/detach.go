package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// backgroundArguments are all arguments of a run in the background. It has its
// options from standard input: nothing that is typed comes back as an argument,
// so these words never mean "in the background" again.
var backgroundArguments = []string{"up", "(background)"}

// upInBackground is the whole life of a run in the background.
func (s session) upInBackground() error {
	h, err := decodeHandover(s.stdin)
	if err != nil {
		return usage("devports up -d starts one", "a run in the background cannot read its options: %v", err)
	}
	var starter chan struct{}
	if h.Temporary { // its standard input ends with the process that has started it
		starter = make(chan struct{})
		go func(stdin io.Reader) {
			_, _ = io.Copy(io.Discard, stdin)
			close(starter)
		}(s.stdin)
	}
	s.stdin = strings.NewReader("")
	return s.up(h.Options, &background{starter})
}

// background is what a run in the background has of the process that has started
// it.
type background struct {
	starter <-chan struct{} // closed when that has gone; nil: that does not matter
}

// detach has an `up` of the project run in the background, and waits until its
// services are ready, or with keep: however often they fail. If one does run, what does not run of it is started.
func (s session) detach(ctx context.Context, o upOptions, timeout time.Duration, keep bool) error {
	p, _, err := o.open(s)
	if err != nil {
		return err
	}
	if p.File.Path == "" {
		return usage("devports up -d -f Portfile", "-d needs a file: standard input or a pipe cannot be read again")
	}
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
			return fail(exitFailed, "", "%s has not ended after %v: it could not be started again", scope, timeout)
		}
	}
}

// detached is what `up -d` starts or joins.
type detached struct {
	session
	options upOptions
	project project.Project
	scope   registry.Scope
	slot    control.Slot
	wait    waitOptions
}

// join starts what does not run of a run. The error is launcher.ErrOver if that
// is ending.
func (d detached) join(ctx context.Context, i control.Instance) error {
	client := i.Client()
	info, err := client.Status(ctx)
	if err == nil && info.Ending {
		return launcher.ErrEnded
	}
	if err == nil && (info.Temporary || len(info.HeldOnly) > 0) { // it is to stay now
		err = client.Keep(ctx)
	}
	if err == nil {
		if err := d.remember(info.Temporary); err != nil {
			d.note("up -d --last will not bring back what this has started: %v", err)
		}
	}
	moved := i.Note.Directory != d.scope.Directory
	if idle := idleServices(info, d.options.Services); err == nil && len(idle) > 0 {
		if moved {
			return fail(exitFailed, "devports down, and then devports up -d, has it run here",
				"%s was moved here from %s while it ran, where %s cannot be started", d.scope, i.Note.Directory, wording.List(idle))
		}
		r, opened := d.registryAt(d.options.Registry)
		if opened != nil {
			return opened
		}
		if err := d.checkPorts(ctx, r, info, d.options.Services); err != nil {
			return err
		}
		_, err = client.Start(ctx, idle...)
	}
	if err == nil {
		info, err = d.settled(ctx, client, nil, d.wait)
	}
	switch {
	case errors.Is(err, launcher.ErrEnded):
		return err
	case err != nil:
		return requestFailed(d.scope, err)
	case info.Ending || allDone(info):
		return launcher.ErrEnded
	}
	if moved {
		d.note("%s was moved here from %s while it ran: to follow edits and restart its services here, devports down and up -d", d.scope, i.Note.Directory)
	}
	err = d.tellStatuses(info, nil, false, isUpOrStopped)
	if err != nil {
		d.showLastLines(ctx, client, info, nil)
	}
	return err
}

// start starts a run. The error is control.ErrNotFirst if another was quicker.
func (d detached) start(ctx context.Context) error {
	background, err := d.startInBackground(d.options, d.slot, false)
	if err != nil {
		return err
	}
	client, err := background.AwaitClaim(ctx)
	var info control.Info
	if err == nil {
		info, err = d.settled(ctx, client, nil, d.wait)
	}
	if err == nil { // a service may have ended as soon as it was ready
		now, gone := client.Status(ctx)
		if gone == nil {
			info = now
		}
		info.Ending = info.Ending || errors.Is(gone, launcher.ErrEnded)
	}
	grace := exitGrace
	switch {
	case errors.Is(err, control.ErrSlotTaken):
		if status, _ := background.AwaitEnd(0); status == exitRunning {
			return err
		}
	case err == nil:
		if allDone(info) || info.Ending {
			grace = d.wait.timeout // for it ends
		}
		err = d.tellStatuses(info, nil, false, isUpOrStopped)
	}
	if err == nil && grace == exitGrace {
		d.note("%s runs in the background (pid %d): devports logs -f shows what it prints, devports down ends it", d.scope, background.PID)
		return nil
	}
	status, ended := background.AwaitEnd(grace)
	switch {
	case ended && err == nil && status == 0 && !slices.ContainsFunc(info.Services, stopped):
		d.note("%s has ended: all its services are done", d.scope)
		return nil
	case ended && err == nil && status == 0:
		return fail(exitFailed, "", "%s was ended meanwhile", d.scope)
	case ended && status == 0: // before it could be asked
		fmt.Fprint(d.stderr, background.Output())
		d.note("%s has ended: all its services are done", d.scope)
		return nil
	case ended:
		return d.backgroundFailed(background, status)
	case err == nil:
		return nil
	}
	d.showLastLines(ctx, client, info, nil)
	return err
}

// backgroundFailed prints what a run in the background has printed before it failed.
// Where that is nothing, or may not be all, the error says why.
func (d detached) backgroundFailed(background *control.Background, status int) error {
	output := background.Output()
	fmt.Fprint(d.stderr, output)
	unwritable := background.CheckLog()
	status = max(status, exitFailed)
	switch {
	case errors.Is(unwritable, syscall.ENOSPC):
		return fail(status, "make room there", "%s was not started: %s cannot be written: the disk is full", d.scope, d.slot.Log())
	case output == "" && unwritable != nil:
		return fail(status, "", "%s was not started, and cannot say why: %v", d.scope, unwritable)
	case output == "":
		return fail(status, "devports up, without -d, shows more", "%s was not started: the run in the background ended with status %d and printed nothing", d.scope, status)
	}
	return failure{status: status}
}

func stopped(st launcher.Status) bool {
	return st.State == launcher.StateStopped || st.State == launcher.StateStopping
}

// allDone reports whether all services have done their work, after which a run
// ends by itself.
func allDone(info control.Info) bool {
	return !slices.ContainsFunc(info.Services, func(st launcher.Status) bool { return st.State != launcher.StateDone })
}

// exitGrace is how long a run may take to end after it has said that it will.
const exitGrace = 500 * time.Millisecond

// idleServices are those that have ended or were never started, of the ones
// named or of all. A name that the run does not know is one, too: it refuses it.
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

// startInBackground starts a run that prints to the log of its slot, unless the
// options name another. A temporary one ends with the holds on it.
func (s session) startInBackground(o upOptions, slot control.Slot, temporary bool) (*control.Background, error) {
	o.Log = cmp.Or(o.Log, slot.Log())
	input, err := handover{Options: o, Temporary: temporary}.encode()
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
