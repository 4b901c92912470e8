package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// findRuns finds every `up` of this user, dead or alive.
func (s session) findRuns(ctx context.Context) []control.Answer {
	folder, err := s.runs()
	if err != nil {
		return nil
	}
	var runs []control.Answer
	for _, i := range folder.Instances() {
		runs = append(runs, i.Ask(ctx))
	}
	return runs
}

// runOf is the live run of a scope; the zero Answer if there is none that
// answers.
func (s session) runOf(runs []control.Answer, scope registry.Scope) control.Answer {
	slot, _ := s.slot(scope) // without a home there are no runs
	for _, r := range runs {
		if r.Answers() && r.Lock() == slot.Lock() {
			return r
		}
	}
	return control.Answer{}
}

// examineRuns tells of runs that cannot be steered, and of what dead ones have
// left.
func examineRuns(runs []control.Answer) []finding {
	var findings []finding
	var live []string
	locks, sockets := 0, 0
	for _, r := range runs {
		switch {
		case r.Answers():
			live = append(live, fmt.Sprintf("%s (pid %d)", scopeOf(r.Info), r.Holder.PID))
		case r.Holder != nil:
			findings = append(findings, hung(r.Instance))
		default:
			sockets += len(r.AbandonedSockets())
			if r.Killed() {
				locks++
				findings = append(findings, left(r.Instance)...)
			}
		}
	}
	if locks+sockets > 0 {
		findings = append(findings, finding{
			Check: "runs", Level: warning,
			What: fmt.Sprintf("left by runs that were killed: %s and %s that nobody answers", count(locks, "lock file"), count(sockets, "socket")),
			Why:  "harmless: the next up there takes them over",
			Mend: "devports doctor --fix",
		})
	}
	if len(live) == 0 {
		return all(findings, "runs", "nothing runs, and nothing is left of what did")
	}
	return all(findings, "runs", "what runs answers: %s", list(live))
}

func scopeOf(info control.Info) registry.Scope {
	return registry.Scope{Directory: info.Directory, Project: info.Project, Worktree: info.Worktree}
}

// hung says what is wrong with a run that lives and does not answer.
func hung(i control.Instance) finding {
	const unreachable = "devports ps, logs, restart and down cannot reach it, and no other up can start there"
	f := finding{Check: "runs", Level: wrong, Why: unreachable}
	switch pid := i.Holder.PID; {
	case pid == 0:
		f.What = "a process that does not say who it is holds the lock " + i.Lock()
		f.Why = "no up can start in the project that it belongs to"
	case i.Note.PID == 0:
		f.What = fmt.Sprintf("pid %d (%s) holds the lock %s, and is no devports up", pid, oneLine(i.Holder.Command), i.Lock())
		f.Why = "no up can start in the project that it belongs to"
		f.Mend = fmt.Sprintf("end it: kill %d", pid)
	case !exists(i.Note.Socket):
		f.What = fmt.Sprintf("the up of %s (pid %d) has lost its socket %s", i.Note.Directory, pid, i.Note.Socket)
		f.Mend = fmt.Sprintf("end it in good order, and start it again: kill -INT %d", pid)
	default:
		f.What = fmt.Sprintf("the up of %s (pid %d, since %s) does not answer", i.Note.Directory, pid, i.Note.Since.Local().Format(time.DateTime))
		f.Mend = fmt.Sprintf("let it go on if it was stopped (kill -CONT %[1]d), or end it with all that it has started (kill -KILL %[1]d)", pid)
	}
	return f
}

// left names the processes that a run that was killed has left.
func left(i control.Instance) []finding {
	processes := i.Started()
	if len(processes) == 0 {
		return nil
	}
	return []finding{{
		Check: "runs", Level: warning,
		What: fmt.Sprintf("the up of %s (pid %d) was killed, and has left %s", i.Note.Directory, i.Note.PID, tellLeft(processes)),
		Why:  "they keep their ports, and nobody looks after them",
		Mend: "devports doctor --fix ends them, as does the next devports up there",
	}}
}

// clearUp ends and removes what runs that were killed have left.
func (s session) clearUp(runs []control.Answer) []finding {
	var ended []launcher.Left
	var findings []finding
	cleared := 0
	for _, r := range runs {
		if r.Holder != nil || !r.Killed() && len(r.AbandonedSockets()) == 0 {
			continue
		}
		processes, err := r.ClearUp(leftGrace)
		if errors.As(err, new(*lockfile.HeldError)) {
			continue // a new up has the lock, and has cleared up itself
		}
		ended = append(ended, processes...)
		if err != nil {
			findings = append(findings, s.troubles("runs", err, "what a dead run has left there stays")...)
			continue
		}
		cleared++
	}
	if cleared > 0 {
		what := "cleared up after " + count(cleared, "run") + " that had been killed"
		if len(ended) > 0 {
			what += "; ended " + tellLeft(ended)
		}
		findings = append(findings, finding{Check: "runs", Level: fine, What: what})
	}
	return findings
}
