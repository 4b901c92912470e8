package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// waitPoll is how often run --wait checks whether the project runs, and which
// processes listen.
const waitPoll = 100 * time.Millisecond

// awaited are services of a checkout that a command waits for.
type awaited struct {
	session
	project project.Project
	scope   registry.Scope
	names   []string
	ports   map[string]int // those of the services that have one
}

// awaitServices waits until the services that --wait names are ready, and listen
// on their ports. Its errors have the exit status of run, or 4 if another process
// listens.
func (s session) awaitServices(c *cli.Context) error {
	if _, err := s.program(c); err != nil { // before the wait
		return err
	}
	w, err := s.awaitedBy(c)
	if err != nil {
		return s.runFailed(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)
	ctx, stopped := firstSignal(signals)
	defer stopped()
	timeout := time.After(c.Duration("timeout"))
	for {
		missing, err := w.missing(ctx)
		switch {
		case ctx.Err() != nil:
			return failure{status: statusOfSignal(stopped())}
		case err != nil:
			return err
		case missing == "":
			return nil
		}
		select {
		case <-time.After(waitPoll):
		case <-ctx.Done():
		case <-timeout:
			return fail(exitRunFailed, "", "timed out after %s: %s", text.Duration(c.Duration("timeout")), missing)
		}
	}
}

// awaitedBy reads from the command line which services to wait for.
func (s session) awaitedBy(c *cli.Context) (w awaited, err error) {
	w = awaited{session: s, ports: map[string]int{}}
	for _, value := range c.StringSlice("wait") {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(w.names, name) {
				w.names = append(w.names, name)
			}
		}
	}
	if w.project, err = s.openProject(c); err != nil {
		return w, err
	}
	w.names = w.project.ResolveNames(w.names...)
	if err := declares(w.project.File, w.names, w.project.File.GroupNames()...); err != nil {
		return w, err
	}
	w.names = w.project.File.Expand(w.names)
	scope, ports, err := s.withPins(w.project, c).Ports(c.Context)
	if err != nil {
		return w, err
	}
	w.scope = scope
	for _, name := range w.names {
		if port, ok := ports[allocator.PortName{Service: name}]; ok {
			w.ports[name] = port
		}
	}
	return w, nil
}

// missing describes what the command still waits for; "" for nothing. The error
// is that it waits in vain.
func (w awaited) missing(ctx context.Context) (string, error) {
	i, running, err := w.runningIn(w.scope)
	if err != nil {
		return "", w.runFailed(err)
	}
	running = running && !i.Replaced()
	waits := fmt.Sprintf("%s is not running", w.scope)
	if running {
		if waits, err = w.notReady(ctx, i); err != nil {
			return "", err
		}
	}
	run := 0
	if running {
		run = i.Note.PID
	}
	return w.notListening(ctx, run, waits)
}

// notReady describes a service that is not ready.
func (w awaited) notReady(ctx context.Context, i control.Instance) (string, error) {
	client := i.Client()
	info, err := client.Status(ctx)
	switch {
	case errors.Is(err, launcher.ErrEnded), ctx.Err() != nil:
		return fmt.Sprintf("%s is not running", w.scope), nil
	case err != nil:
		return "", w.runFailed(requestFailed(w.scope, err))
	}
	for _, name := range w.names {
		at := slices.IndexFunc(info.Services, func(st launcher.Status) bool { return st.Service == name })
		if at < 0 {
			return name + " is not started", nil
		}
		st := info.Services[at]
		if st.Port != 0 {
			w.ports[name] = st.Port // it may have moved
		}
		switch {
		case st.State == launcher.StateFailed:
			w.printLastLines(ctx, client, inState(info.Services, []string{name}, launcher.StateFailed))
			return "", fail(exitRunFailed, "", "%s", formatStatus(st))
		case !isUp(st):
			return formatStatus(st), nil
		}
	}
	return "", nil
}

// notListening adds to what the command waits for a service that does not
// listen. The error is that another process listens on its port; run is the pid
// of the run of this checkout, or 0.
func (w awaited) notListening(ctx context.Context, run int, waits string) (string, error) {
	var ports []int
	for _, port := range w.ports {
		ports = append(ports, port)
	}
	if len(ports) == 0 {
		return waits, nil
	}
	found, err := w.listening(ctx, w.project.Registry, ports...)
	if err != nil {
		if ctx.Err() != nil {
			return waits, nil
		}
		return "", w.runFailed(err)
	}
	for _, name := range w.names {
		port, ok := w.ports[name]
		strange := slices.IndexFunc(found[port], func(p holder.Process) bool { return !w.mayBeOurs(name, p, run) })
		switch {
		case !ok:
		case strange >= 0:
			taken := project.Taken{
				Lease:   registry.Lease{Scope: w.scope, Name: allocator.PortName{Service: name}, Port: port},
				Holders: found[port][strange : strange+1],
			}
			line := takenLine(taken, false, w.containersOf([]project.Taken{taken}))
			return "", failure{exitPort, []errorLine{line}}
		case len(found[port]) == 0 && waits == "":
			waits = fmt.Sprintf("%s does not listen on port %d", name, port)
		}
	}
	return waits, nil
}

// mayBeOurs reports whether a listener is of the run, or of one of this checkout
// that starts or ends just now; for a shared service, of the run of these. A
// process of a service that is another user's is not visible.
func (w awaited) mayBeOurs(name string, p holder.Process, run int) bool {
	switch {
	case p.PID == 0, containerProxy(p.Command) != "":
		return run != 0 // its own check says that it is ready
	case run != 0 && p.Run == run:
		return true
	case run != 0 && w.project.AllShared([]string{name}):
		runs, err := w.runs()
		if err != nil {
			return false
		}
		i, ok := runs.RunningShared(w.project.Home().Checkout.Directory)
		return ok && i.Note.PID == p.Run
	}
	return p.Managed && p.Project == w.scope.Project && p.Worktree == w.scope.Worktree && (p.RunDirectory == "" || p.RunDirectory == w.scope.Directory)
}
