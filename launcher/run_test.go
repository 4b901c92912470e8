package launcher

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/procfile"
)

// The end of the context stops all services in order.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errors.New("the tests are over"))
		defer cancel()
		var events []Event
		options := Options{Notify: func(e Event) { events = append(events, e) }}.complete()
		f.out = options.Output
		plan := randomPlan(f.random, 8)
		for i := range plan.Services {
			plan.Services[i].Ready = procfile.Check{Kind: procfile.None}
		}
		err := runOn(ctx, func(Options, func(Event)) operatingSystem { return f }, plan, options)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		var why Stopping
		ended := 0
		for _, e := range events {
			switch e := e.(type) {
			case Stopping:
				why = e
			case Ended:
				ended++
			}
		}
		if why.Reason != "the tests are over" || ended != 8 {
			t.Errorf("stopping because of %+v, and %d ended", why, ended)
		}
		_ = f.out.Close(context.Background())
	})
}

func TestResult(t *testing.T) {
	failed := func(after time.Duration, status int) service {
		return service{phase: ended, failedAt: at(after), exit: &Exit{Status: status}}
	}
	for _, test := range []struct {
		name    string
		machine machine
		want    ExitError // zero: nil
	}{
		{"all well", machine{services: map[string]service{"a": {phase: ended, exit: &Exit{}}}}, ExitError{}},
		{"the first counts", machine{services: map[string]service{"a": failed(2, 4), "b": failed(1, 5)}}, ExitError{"b", 5}},
		{"asked to end", machine{stopRequested: true, services: map[string]service{"a": failed(2, 4)}}, ExitError{}},
		{"one ends all", machine{closing: true, stopCause: &ExitError{"b", 6}, services: map[string]service{"a": failed(2, 4)}}, ExitError{"b", 6}},
		{"one ends all, well", machine{closing: true, stopCause: &ExitError{"b", 0}, services: map[string]service{"a": failed(2, 4)}}, ExitError{}},
		{"one never started", machine{services: map[string]service{"a": {phase: waiting}}}, ExitError{"a", 1}},
		{"because of a failure", machine{services: map[string]service{"a": {phase: waiting}, "b": failed(1, 127)}}, ExitError{"b", 127}},
	} {
		test.machine.sortNames()
		var got ExitError
		if e := test.machine.result(); e != nil {
			got = *e
		}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
