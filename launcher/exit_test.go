package launcher

import (
	"errors"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

func TestEffectiveExit(t *testing.T) {
	left := []Orphan{{PID: 7}}
	guess := procfile.Check{Kind: procfile.TCP}
	declared := func(how procfile.CheckKind) procfile.Check { return procfile.Check{Kind: how, Timeout: time.Minute} }
	for _, test := range []struct {
		name   string
		check  procfile.Check
		ending endedProcess
		fails  bool
	}{
		{"a short command", guess, endedProcess{}, false},
		{"one that was ready", guess, endedProcess{ready: true}, false},
		{"one that was ready, and has helpers", guess, endedProcess{ready: true, orphans: left}, false},
		{"one that others need", guess, endedProcess{needed: true}, true},
		{"one that goes to the background", guess, endedProcess{orphans: left}, true},
		{"one that serves from there", guess, endedProcess{ready: true, orphans: left, serving: true}, true},
		{"one that was stopped", guess, endedProcess{needed: true, exit: Exit{Requested: true}}, false},
		{"tcp", declared(procfile.TCP), endedProcess{}, true},
		{"http", declared(procfile.HTTP), endedProcess{}, true},
		{"log", declared(procfile.Log), endedProcess{}, true},
		{"exec", declared(procfile.Exec), endedProcess{}, true},
		{"log, seen", declared(procfile.Log), endedProcess{ready: true, needed: true}, false},
		{"work", declared(procfile.Done), endedProcess{needed: true, orphans: left}, false},
		{"no check", procfile.Check{Kind: procfile.None}, endedProcess{needed: true, orphans: left}, false},
	} {
		test.ending.spec.Ready = test.check
		got := test.ending.effectiveExit()
		var unready *NotReadyError
		if errors.As(got.Err, &unready) != test.fails || got.Failed() != test.fails {
			t.Errorf("%s: %+v, want a failure: %v", test.name, got, test.fails)
		}
	}
	if got := (endedProcess{spec: procfile.Process{Ready: guess}, needed: true, exit: Exit{Status: 3}}).effectiveExit(); got != (Exit{Status: 3}) {
		t.Errorf("a failure becomes %+v", got)
	}
}
