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

// verdict is whether the run of this checkout listens on a port. The greatest of
// several counts.
type verdict int

const (
	isHere verdict = iota
	isUnknown
	isElsewhere
)

// expectHere is the error of --expect here, with exit status 1 if another process
// listens, and 2 if that is unknown.
func (s session) expectHere(c *cli.Context, rows []whoRow) error {
	i, scope, err := s.running(c)
	run := i.Note.PID
	if err != nil { // nothing of this checkout runs
		run = 0
	}
	worst, of := isHere, whoRow{}
	for _, row := range rows {
		if v := row.verdict(run, scope); v > worst {
			worst, of = v, row
		}
	}
	if worst == isHere {
		return nil
	}
	return fail(map[verdict]int{isElsewhere: exitFailed, isUnknown: exitUsage}[worst], "", "%s", of.notHere(worst, scope))
}

// notHere says why a row is not isHere.
func (a whoRow) notHere(v verdict, scope registry.Scope) string {
	switch {
	case a.forwarded() && v == isUnknown:
		return fmt.Sprintf("port %d points to %s of this checkout, which is not ready", a.Port, a.Point.Service)
	case a.forwarded() && a.Point.isOf(scope):
		return fmt.Sprintf("port %d points to %s of this checkout, which is not running", a.Port, a.Point.Service)
	case a.forwarded():
		return fmt.Sprintf("port %d points to another checkout", a.Port)
	case v == isElsewhere:
		return fmt.Sprintf("another process listens on port %d, not the run of this checkout", a.Port)
	case a.Free:
		return fmt.Sprintf("nothing listens on port %d", a.Port)
	}
	return fmt.Sprintf("cannot determine whether the run of this checkout listens on port %d", a.Port)
}

// forwarded reports whether the front has the port for a point.
func (a whoRow) forwarded() bool {
	return a.Point != nil && a.Point.State != pointInactive && a.Point.State != pointBlocked
}

// isOf reports whether a point is of the checkout with a scope.
func (p pointRow) isOf(scope registry.Scope) bool {
	return p.Directory == scope.Directory && p.Worktree == scope.Worktree
}

// verdict judges a row; run is the pid of this checkout's run, 0 for none.
func (a whoRow) verdict(run int, scope registry.Scope) verdict {
	if a.forwarded() {
		switch {
		case run == 0 || !a.Point.isOf(scope):
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

// String describes a point: "points to web of shop (fix) in
// /home/ann/shop-fix, which is not ready".
func (p pointRow) String() string {
	where := fmt.Sprintf("points to %s in %s", p.scope().Qualify(p.Service), p.Directory)
	switch p.State {
	case pointWaiting:
		where += ", which is not ready: connections fail"
	case pointInactive:
		where += ", once devports up runs"
	case pointBlocked:
		where += ", once the port is free"
	}
	return text.OneLine(where)
}
