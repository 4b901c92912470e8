package launcher

import (
	"errors"
	"testing"
	"time"

	"github.com/devports/devports/procfile"
)

func TestJudgedExit(t *testing.T) {
	left := []Orphan{{PID: 7}}
	guess := procfile.Check{Kind: procfile.TCP}
	declared := func(how procfile.CheckKind) procfile.Check { return procfile.Check{Kind: how, Timeout: time.Minute} }
	for _, test := range []struct {
		name   string
		check  procfile.Check
		ending ending
		fails  bool
	}{
		{"a short command", guess, ending{}, false},
		{"one that was ready", guess, ending{ready: true}, false},
		{"one that was ready, and has helpers", guess, ending{ready: true, left: left}, false},
		{"one that others need", guess, ending{needed: true}, true},
		{"one that goes to the background", guess, ending{left: left}, true},
		{"one that serves from there", guess, ending{ready: true, left: left, serving: true}, true},
		{"one that was stopped", guess, ending{needed: true, exit: Exit{Asked: true}}, false},
		{"tcp", declared(procfile.TCP), ending{}, true},
		{"http", declared(procfile.HTTP), ending{}, true},
		{"log", declared(procfile.Log), ending{}, true},
		{"exec", declared(procfile.Exec), ending{}, true},
		{"log, seen", declared(procfile.Log), ending{ready: true, needed: true}, false},
		{"work", declared(procfile.Done), ending{needed: true, left: left}, false},
		{"no check", procfile.Check{Kind: procfile.None}, ending{needed: true, left: left}, false},
	} {
		test.ending.spec.Ready = test.check
		got := test.ending.judged()
		var unready *NotReadyError
		if errors.As(got.Err, &unready) != test.fails || got.Failed() != test.fails {
			t.Errorf("%s: %+v, want a failure: %v", test.name, got, test.fails)
		}
	}
	if got := (ending{spec: procfile.Process{Ready: guess}, needed: true, exit: Exit{Status: 3}}).judged(); got != (Exit{Status: 3}) {
		t.Errorf("a failure becomes %+v", got)
	}
}
