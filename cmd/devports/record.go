package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/registry"
)

// logStore returns the log store of this user.
func (s session) logStore() (logstore.Store, error) {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return logstore.Store{}, err
	}
	limit, err := logstore.ParseLimit(s.getenv(envvar.Logs))
	if err != nil {
		return logstore.Store{}, usage("the default is "+envvar.Logs+"=2GB", "%s: %v", envvar.Logs, err)
	}
	return logstore.New(home, limit), nil
}

// record starts to record a run; nil with DEVPORTS_LOGS=off. A failure is printed
// once, after shown is closed.
func (s session) record(store logstore.Store, claim control.Claim, scope registry.Scope, services []string, shown <-chan struct{}) *logstore.Recorder {
	if store.Limit() == logstore.Off {
		return nil
	}
	about := logstore.RunID{
		ID: claim.Note.ID, PID: claim.Note.PID, Slot: claim.Slot().Name(), Directory: scope.Directory,
		Project: scope.Project, Worktree: scope.Worktree, Began: time.Now(), Services: services,
	}
	return store.Begin(about, func(err error) {
		<-shown
		s.note("cannot store the output of services: %v", err)
	})
}

// recordIn makes a Mux record its output, unless r is nil.
func recordIn(r *logstore.Recorder, out *output.Mux) {
	if r != nil {
		out.Record(func(service string) output.Recording { return r.Stream(service) })
	}
}

// backgroundLines is the number of lines to print of a background run that failed
// to start.
const backgroundLines = 100

// showBackground prints the messages of a background run that has ended, and
// the last lines of its services, with print. It reports whether there were
// any.
func (s session) showBackground(background *control.Background, slot control.Slot, last int, print func(service, text string)) (printed bool) {
	text := background.Output()
	printed = text != ""
	fmt.Fprint(s.stderr, text)
	store, err := s.logStore()
	if err != nil {
		return printed
	}
	runs := store.Runs(slot.Name())
	i := slices.IndexFunc(runs, func(r logstore.Run) bool { return r.PID == background.PID })
	if i < 0 {
		return printed
	}
	_ = runs[i].Read(context.Background(), logstore.Query{Last: last}, func(l logstore.Line) error {
		print(l.Service, l.Text)
		printed = true
		return nil
	})
	return printed
}

// printLine prints a line of a service to standard error.
func (s session) printLine(service, text string) {
	fmt.Fprintf(s.stderr, "%s | %s\n", service, output.Printable(text))
}

// recordEnd is the time limit for writing the last lines of a run.
const recordEnd = 5 * time.Second

// outcome collects from events why a run ended.
type outcome struct{ failure, stopping string }

// add adds an event.
func (o *outcome) add(e launcher.Event) {
	switch e := e.(type) {
	case launcher.Ended:
		if o.failure == "" && e.Exit.Failed() && e.Retry == 0 && !e.Rerun {
			o.failure = e.Service + " " + e.Exit.String()
		}
	case launcher.NotStarted:
		if o.failure == "" && e.Retry == 0 {
			o.failure = fmt.Sprintf("%s could not be started: %s", e.Service, e.Exit)
		}
	case launcher.Stopping:
		if o.stopping == "" && e.Service == "" {
			o.stopping = e.Reason
		}
	}
}

// String formats the reason.
func (o outcome) String() string {
	switch {
	case o.stopping != "" && o.failure != "":
		return "stopped (" + o.stopping + "), after " + o.failure
	case o.stopping != "":
		return "stopped (" + o.stopping + ")"
	case o.failure != "":
		return o.failure
	}
	return "all its services are done"
}

// endRecording records how the run ended. ran is the error that up returns.
func (u *upRun) endRecording(ran error) {
	ctx, cancel := context.WithTimeout(context.Background(), recordEnd)
	defer cancel()
	end := logstore.End{At: time.Now(), Reason: u.outcome.String()}
	if ran != nil {
		end.Status = u.session.describe(ran).status
	}
	_ = u.recorder.End(ctx, end) // a failure has been reported
}
