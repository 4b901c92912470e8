package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// findRuns finds every `up` of this user, dead or alive.
func (d Doctor) findRuns(ctx context.Context) []control.Answer {
	if d.Runs == nil {
		return nil
	}
	return control.AskAll(ctx, d.Runs.Instances())
}

// runOf is the live run of a scope; the zero Answer if there is none that
// answers.
func (d Doctor) runOf(runs []control.Answer, scope registry.Scope) control.Answer {
	if d.Runs == nil {
		return control.Answer{}
	}
	i, ok := d.Runs.Running(scope.Directory, scope.Worktree)
	for _, r := range runs {
		if ok && r.Responded() && r.Lock() == i.Lock() && !i.Replaced() {
			return r
		}
	}
	return control.Answer{}
}

// examineRuns tells of runs that cannot be steered, and of what dead ones have
// left.
func (d Doctor) examineRuns(runs []control.Answer) []Finding {
	var findings []Finding
	var live []string
	locks, sockets := 0, 0
	for _, r := range runs {
		switch {
		case r.Responded() && checkout.IsGone(r.Info.Directory):
			findings = append(findings, Finding{
				Check: "runs", Level: Warning,
				What: fmt.Sprintf("the up of %s (pid %d) runs on, though the folder is gone", r.Info.Directory, r.Holder.PID),
				Why:  "its services use their ports, and edits of its Portfile cannot reach it",
				Fix:  "devports down --dir " + text.QuoteSh(r.Info.Directory),
			})
		case r.Responded():
			live = append(live, fmt.Sprintf("%s (pid %d)", scopeOf(r.Info), r.Holder.PID))
		case r.Holder != nil:
			findings = append(findings, hung(r.Instance))
		default:
			sockets += len(r.AbandonedSockets())
			if r.Killed() {
				locks++
				findings = append(findings, d.left(r.Instance)...)
			}
		}
	}
	if locks+sockets > 0 {
		findings = append(findings, Finding{
			Check: "runs", Level: Warning,
			What: fmt.Sprintf("left by runs that were killed: %s and %s that nobody answers", wording.Count(locks, "lock file"), wording.Count(sockets, "socket")),
			Why:  "harmless: the next up there takes them over",
			Fix:  "devports doctor --fix",
		})
	}
	if len(live) == 0 {
		return all(findings, "runs", "nothing runs, and nothing is left of what did")
	}
	return all(findings, "runs", "what runs answers: %s", wording.List(live))
}

func scopeOf(info control.Info) registry.Scope {
	return registry.Scope{Directory: info.Directory, Project: info.Project, Worktree: info.Worktree}
}

// hung says what is wrong with a run that lives and does not answer.
func hung(i control.Instance) Finding {
	const unreachable = "devports ps, logs, restart and down cannot reach it, and no other up can start there"
	f := Finding{Check: "runs", Level: Wrong, Why: unreachable}
	switch pid := i.Holder.PID; {
	case pid == 0:
		f.What = "a process that does not say who it is holds the lock " + i.Lock()
		f.Why = "no up can start in the project that it belongs to"
	case i.Note.PID == 0:
		f.What = fmt.Sprintf("pid %d (%s) holds the lock %s, and is no devports up", pid, text.OneLine(i.Holder.Command), i.Lock())
		f.Why = "no up can start in the project that it belongs to"
		f.Fix = fmt.Sprintf("end it: kill %d", pid)
	case i.Note.Socket == "":
		f.What = fmt.Sprintf("the up of %s (pid %d) has no socket", i.Note.Directory, pid)
		f.Fix = "devports down --dir " + text.QuoteSh(i.Note.Directory)
	case missing(i.Note.Socket):
		f.What = fmt.Sprintf("the up of %s (pid %d) has lost its socket %s", i.Note.Directory, pid, i.Note.Socket)
		f.Fix = fmt.Sprintf("end it in good order, and start it again: kill -INT %d", pid)
	default:
		f.What = fmt.Sprintf("the up of %s (pid %d, since %s) does not answer", i.Note.Directory, pid, i.Note.Since.Local().Format(time.DateTime))
		f.Fix = "end it with all that it has started: devports down --kill --dir " + text.QuoteSh(i.Note.Directory)
		if i.Suspended() {
			f.What += ": it is stopped"
			f.Fix = fmt.Sprintf("let it go on (fg, or kill -CONT %d), or %s", pid, f.Fix)
		}
	}
	return f
}

// left names the processes that a run that was killed has left.
func (d Doctor) left(i control.Instance) []Finding {
	processes := i.Processes()
	if len(processes) == 0 {
		return nil
	}
	return []Finding{{
		Check: "runs", Level: Warning,
		What: fmt.Sprintf("the up of %s (pid %d) was killed, and has left %s", i.Note.Directory, i.Note.PID, d.Left(processes)),
		Why:  "they keep their ports, and nobody looks after them",
		Fix:  "devports doctor --fix ends them, as does the next devports up there",
	}}
}

// clearUp ends and removes what runs that were killed have left.
func (d Doctor) clearUp(runs []control.Answer) []Finding {
	var ended []launcher.Orphan
	var findings []Finding
	cleared := 0
	for _, r := range runs {
		if r.Holder != nil || !r.Killed() && len(r.AbandonedSockets()) == 0 {
			continue
		}
		processes, err := r.CleanUp(d.LeftGrace)
		if errors.As(err, new(*lockfile.HeldError)) {
			continue // a new up has the lock, and has cleared up itself
		}
		ended = append(ended, processes...)
		if err != nil {
			findings = append(findings, d.troubles("runs", err, "what a dead run has left there stays")...)
			continue
		}
		cleared++
	}
	if cleared > 0 {
		what := "cleared up after " + wording.Count(cleared, "run") + " that had been killed"
		if len(ended) > 0 {
			what += "; ended " + d.Left(ended)
		}
		findings = append(findings, Finding{Check: "runs", Level: Fine, What: what})
	}
	return findings
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}
