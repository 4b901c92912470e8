package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/registry"
)

// expectHere is the value of --expect for the run of this checkout.
const expectHere = "here"

// verdict is whether the run of this checkout answers on a port. The greatest of
// several counts.
type verdict int

const (
	isHere verdict = iota
	isUnknown
	isElsewhere
)

// expectHere is the error of --expect here, with exit status 1 if another process
// answers, and 2 if that is unknown.
func (s session) expectHere(c *cli.Context, rows []whoRow) error {
	i, scope, err := s.running(c)
	run := i.Note.PID
	if err != nil { // nothing of this checkout runs
		run = 0
	}
	worst, port := isHere, 0
	for _, row := range rows {
		if v := row.verdict(run, scope); v > worst {
			worst, port = v, row.Port
		}
	}
	switch worst {
	case isElsewhere:
		return fail(exitFailed, "", "port %d is not answered by the run of this checkout", port)
	case isUnknown:
		return fail(exitUsage, "", "it is unknown whether the run of this checkout answers on port %d", port)
	}
	return nil
}

// verdict judges a row; run is the pid of this checkout's run, 0 for none.
func (a whoRow) verdict(run int, scope registry.Scope) verdict {
	if a.Point != nil && a.Point.State != pointInactive && a.Point.State != pointBlocked {
		switch {
		case run == 0 || a.Point.Directory != scope.Directory || a.Point.Worktree != scope.Worktree:
			return isElsewhere
		case a.Point.State != pointReady:
			return isUnknown
		}
		return isHere // the front forwards to sockets of that run only
	}
	shared := run != 0 && slices.Contains(a.SharedBy, address(scope))
	own := func(p holder.Process) bool { return p.Run != 0 && !p.Unverified && (p.Run == run || shared) }
	hidden := func(p holder.Process) bool { // what is behind it is not visible
		return !own(p) && (p.PID == 0 || containerProxy(p.Command) != "")
	}
	switch {
	case slices.ContainsFunc(a.Listeners, func(p holder.Process) bool { return !own(p) && !hidden(p) }):
		return isElsewhere
	case len(a.Listeners) == 0, slices.ContainsFunc(a.Listeners, hidden):
		return isUnknown
	}
	return isHere
}

// String describes where a point leads: "leads to web of shop (fix) in
// /home/ann/shop-fix, which is not ready".
func (p pointRow) String() string {
	where := fmt.Sprintf("leads to %s in %s", p.scope().Qualify(p.Service), p.Directory)
	switch p.State {
	case pointWaiting:
		where += ", which is not ready: connections are refused"
	case pointInactive:
		where += ", once devports up runs"
	case pointBlocked:
		where += ", once the port is free"
	}
	return text.OneLine(where)
}
