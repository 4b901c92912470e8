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

// findRuns returns every `up` of this user, dead or alive.
func (d Doctor) findRuns(ctx context.Context) []control.QueryResult {
	if d.Runs == nil {
		return nil
	}
	return control.QueryAll(ctx, d.Runs.Instances())
}

// runOf returns the live run of a scope; the zero Answer if there is none that
// responds.
func (d Doctor) runOf(runs []control.QueryResult, scope registry.Scope) control.QueryResult {
	if d.Runs == nil {
		return control.QueryResult{}
	}
	i, ok := d.Runs.Running(scope.Directory, scope.Worktree)
	for _, r := range runs {
		if ok && r.Responded() && r.Lock() == i.Lock() && !i.Replaced() {
			return r
		}
	}
	return control.QueryResult{}
}

// examineRuns reports runs that do not respond, and the leftovers of killed
// ones.
func (d Doctor) examineRuns(runs []control.QueryResult) []Finding {
	var findings []Finding
	var live []string
	locks, sockets := 0, 0
	var other *control.OtherVersionError
	for _, r := range runs {
		switch {
		case r.Responded() && checkout.IsGone(r.Info.Directory):
			findings = append(findings, Finding{
				Check: "runs", Level: Warning,
				What: fmt.Sprintf("devports up in %s (pid %d) is still running, but the directory no longer exists", r.Info.Directory, r.Holder.PID),
				Why:  "its services hold their ports, and it cannot apply edits to its Portfile",
				Fix:  wording.Down(scopeOf(r.Info), r.Info.Shared),
			})
		case r.Responded():
			live = append(live, fmt.Sprintf("%s (pid %d)", scopeOf(r.Info), r.Holder.PID))
		case errors.As(r.Err, &other):
			findings = append(findings, Finding{
				Check: "runs", Level: Warning,
				What: fmt.Sprintf("devports up in %s (pid %d) uses another version of the control protocol: %v", r.Note.Directory, r.Holder.PID, other),
				Why:  "this version of devports can only stop it",
				Fix:  wording.Down(scopeOfNote(r.Note), r.Note.Shared) + ", then devports up there",
			})
		case r.Holder != nil:
			findings = append(findings, hung(r.Instance))
		default:
			sockets += len(r.AbandonedSockets())
			if r.Killed() {
				locks++
				findings = append(findings, d.orphans(r.Instance)...)
			}
		}
	}
	findings = append(findings, d.leftContainers(runs)...)
	if locks+sockets > 0 {
		findings = append(findings, Finding{
			Check: "runs", Level: Warning,
			What: fmt.Sprintf("killed runs have left %s and %s", wording.Count(locks, "lock file"), wording.Count(sockets, "socket")),
			Why:  "harmless: the next devports up there replaces them",
			Fix:  "devports doctor --fix",
		})
	}
	if len(live) == 0 {
		return all(findings, "runs", "nothing is running, and killed runs have left nothing")
	}
	return all(findings, "runs", "running: %s", wording.List(live))
}

func scopeOf(info control.Info) registry.Scope {
	return registry.Scope{Directory: info.Directory, Project: info.Project, Worktree: info.Worktree}
}

func scopeOfNote(n control.Note) registry.Scope {
	return registry.Scope{Directory: n.Directory, Project: n.Project, Worktree: n.Worktree}
}

// hung is the finding about a run that is alive but does not respond.
func hung(i control.Instance) Finding {
	const unreachable = "devports ps, logs, restart and down cannot reach it, and devports up cannot start there"
	f := Finding{Check: "runs", Level: Wrong, Why: unreachable}
	switch pid := i.Holder.PID; {
	case pid == 0:
		f.What = "an unknown process holds the lock " + i.Lock()
		f.Fix = "to see which process: " + wording.WhoOpened(i.Lock())
		f.Why = "devports up cannot start in the project of that lock"
	case i.Note.PID == 0:
		f.What = fmt.Sprintf("pid %d (%s) holds the lock %s, but is not a devports up", pid, text.OneLine(i.Holder.Command), i.Lock())
		f.Why = "devports up cannot start in the project of that lock"
		f.Fix = wording.Kill(pid)
	case i.Note.Socket == "":
		f.What = fmt.Sprintf("devports up in %s (pid %d) has no socket", i.Note.Directory, pid)
		f.Fix = wording.Down(scopeOfNote(i.Note), i.Note.Shared)
	case missing(i.Note.Socket):
		f.What = fmt.Sprintf("devports up in %s (pid %d) has lost its socket %s", i.Note.Directory, pid, i.Note.Socket)
		f.Fix = "stop it with " + wording.Interrupt(pid) + ", and start it again"
	default:
		f.What = fmt.Sprintf("devports up in %s (pid %d, since %s) does not respond", i.Note.Directory, pid, i.Note.Since.Local().Format(time.DateTime))
		f.Fix = "kill it and its processes: " + wording.Down(scopeOfNote(i.Note), i.Note.Shared, "--kill")
		if i.Suspended() {
			f.What += ": it is suspended"
			f.Fix = fmt.Sprintf("resume it with fg or kill -CONT %d, or %s", pid, f.Fix)
		}
	}
	return f
}

// orphans is the finding about the live processes of a killed run.
func (d Doctor) orphans(i control.Instance) []Finding {
	processes := i.Processes()
	if len(processes) == 0 {
		return nil
	}
	return []Finding{{
		Check: "runs", Level: Warning,
		What: fmt.Sprintf("devports up in %s (pid %d) was killed, but its processes are still running: %s", i.Note.Directory, i.Note.PID, d.FormatProcesses(processes)),
		Why:  "they hold their ports, and nothing supervises them",
		Fix:  "devports doctor --fix kills them, and so does the next devports up there",
	}}
}

// clearUp kills the processes of killed runs, and removes their files.
func (d Doctor) clearUp(runs []control.QueryResult) []Finding {
	var ended []launcher.Orphan
	var findings []Finding
	cleared := 0
	for _, r := range runs {
		if r.Holder != nil || !r.Killed() && len(r.AbandonedSockets()) == 0 {
			continue
		}
		processes, err := r.CleanUp(d.OrphanGrace)
		if errors.As(err, new(*lockfile.HeldError)) {
			continue // a new up has the lock, and has cleaned up itself
		}
		ended = append(ended, processes...)
		if err != nil {
			findings = append(findings, d.troubles("runs", err, "doctor could not clean up after this killed run")...)
			continue
		}
		cleared++
	}
	if cleared > 0 {
		message := "cleaned up after " + wording.Count(cleared, "killed run")
		if len(ended) > 0 {
			message += "; killed " + d.FormatProcesses(ended)
		}
		findings = append(findings, Finding{Check: "runs", Level: Fine, What: message})
	}
	return findings
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}
