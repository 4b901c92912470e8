package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/cmd/devports/internal/doctor"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/lockfile"
)

// trace is what an `up` has in devports' folders, or has left there.
type trace struct {
	lock    string              // its file
	held    *lockfile.HeldError // nil if it is dead, or has ended
	about   instance            // what it says of itself; if it has ended well, nothing
	info    control.Info        // what it answers
	silent  error               // why it does not
	sockets []string            // that nobody listens on any more
}

// answerPatience is how long a run may take to answer: it never has much to do.
const answerPatience = 2 * time.Second

// findRuns finds every `up` of this user, dead or alive.
func (s session) findRuns(ctx context.Context) []trace {
	home, err := registry.Home(s.getenv)
	if err != nil {
		return nil
	}
	locks, _ := filepath.Glob(filepath.Join(home, "run", "*.lock")) // the pattern is a good one
	var runs []trace
	for _, lock := range locks {
		runs = append(runs, s.findRun(ctx, home, lock))
	}
	return runs
}

func (s session) findRun(ctx context.Context, home, lock string) trace {
	r := trace{lock: lock, held: lockfile.Holder(lock)}
	if r.held != nil {
		_ = json.Unmarshal(r.held.Note, &r.about) // if it cannot be, it is no up
		if r.info, r.silent = r.ask(ctx); r.silent == nil {
			return r
		}
		if again := lockfile.Holder(lock); again != nil && again.PID == r.held.PID {
			return r
		}
		r = trace{lock: lock} // it has just ended
	}
	_ = json.Unmarshal(lockfile.Left(lock), &r.about) // if it has left nothing, it has ended well
	r.sockets = s.abandoned(home, r)
	return r
}

func (r trace) ask(ctx context.Context) (control.Info, error) {
	if r.about.Socket == "" {
		return control.Info{}, errors.New("it has no socket")
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	return control.Dial(r.about.Socket).Status(ctx)
}

// abandoned are the sockets of a run that nobody listens on.
func (s session) abandoned(home string, r trace) []string {
	name := strings.TrimSuffix(filepath.Base(r.lock), ".lock") + ".sock"
	paths := []string{r.about.Socket}
	for _, folder := range s.socketFolders(home) {
		paths = append(paths, filepath.Join(folder, name))
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" || !control.Abandoned(path) })
}

// runOf is the live run of a scope; the zero trace if there is none that answers.
func runOf(runs []trace, scope registry.Scope) trace {
	for _, r := range runs {
		if r.held != nil && r.silent == nil && filepath.Base(r.lock) == scopeHash(scope)+".lock" {
			return r
		}
	}
	return trace{}
}

// dead reports whether the run was killed, or has left something else.
func (r trace) dead() bool { return r.held == nil && (r.about.ID != "" || len(r.sockets) > 0) }

// examineRuns tells of runs that cannot be steered, and of what dead ones have
// left.
func examineRuns(runs []trace) []doctor.Finding {
	var findings []doctor.Finding
	var live []string
	locks, sockets := 0, 0
	for _, r := range runs {
		switch {
		case r.held != nil && r.silent == nil:
			live = append(live, fmt.Sprintf("%s (pid %d)", r.scope(), r.held.PID))
		case r.held != nil:
			findings = append(findings, r.hung())
		case r.dead():
			sockets += len(r.sockets)
			if r.about.ID != "" {
				locks++
			}
			findings = append(findings, r.left()...)
		}
	}
	if locks+sockets > 0 {
		findings = append(findings, doctor.Finding{
			Check: "runs", Level: doctor.Warning,
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

func (r trace) scope() registry.Scope {
	return registry.Scope{Directory: r.info.Directory, Project: r.info.Project, Worktree: r.info.Worktree}
}

// hung says what is wrong with a run that lives and does not answer.
func (r trace) hung() doctor.Finding {
	const unreachable = "devports ps, logs, restart and down cannot reach it, and no other up can start there"
	f := doctor.Finding{Check: "runs", Level: doctor.Wrong, Why: unreachable}
	switch pid := r.held.PID; {
	case pid == 0:
		f.What = "a process that does not say who it is holds the lock " + r.lock
		f.Why = "no up can start in the project that it belongs to"
	case r.about.PID == 0:
		f.What = fmt.Sprintf("pid %d (%s) holds the lock %s, and is no devports up", pid, oneLine(r.held.Command), r.lock)
		f.Why = "no up can start in the project that it belongs to"
		f.Mend = fmt.Sprintf("end it: kill %d", pid)
	case !exists(r.about.Socket):
		f.What = fmt.Sprintf("the up of %s (pid %d) has lost its socket %s", r.about.Directory, pid, r.about.Socket)
		f.Mend = fmt.Sprintf("end it in good order, and start it again: kill -INT %d", pid)
	default:
		f.What = fmt.Sprintf("the up of %s (pid %d, since %s) does not answer", r.about.Directory, pid, r.about.Since.Local().Format(time.DateTime))
		f.Mend = fmt.Sprintf("let it go on if it was stopped (kill -CONT %[1]d), or end it with all that it has started (kill -KILL %[1]d)", pid)
	}
	return f
}

// left names the processes that a dead run has left.
func (r trace) left() []doctor.Finding {
	if r.about.ID == "" {
		return nil
	}
	processes := launcher.FindStarted(r.about.ID)
	if len(processes) == 0 {
		return nil
	}
	return []doctor.Finding{{
		Check: "runs", Level: doctor.Warning,
		What: fmt.Sprintf("the up of %s (pid %d) was killed, and has left %s", r.about.Directory, r.about.PID, tellLeft(processes)),
		Why:  "they keep their ports, and nobody looks after them",
		Mend: "devports doctor --fix ends them, as does the next devports up there",
	}}
}

// clearUp ends and removes what dead runs have left. It takes the lock of each
// first, so that no live one begins meanwhile. The lock files stay, empty: see
// package lockfile.
func (s session) clearUp(runs []trace) []doctor.Finding {
	var ended []launcher.Left
	var findings []doctor.Finding
	cleared := 0
	for _, r := range runs {
		if !r.dead() {
			continue
		}
		release, _, err := lockfile.TryAcquire(r.lock, nil)
		if errors.As(err, new(*lockfile.HeldError)) {
			continue // a new up has it, and has cleared up itself
		}
		if err == nil {
			ended = append(ended, launcher.EndLeft(r.about.ID, leftGrace)...)
			for _, path := range r.sockets {
				if control.Abandoned(path) {
					err = errors.Join(err, os.Remove(path))
				}
			}
			err = errors.Join(err, release())
		}
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
		findings = append(findings, doctor.Finding{Check: "runs", Level: doctor.Fine, What: what})
	}
	return findings
}

// troubles are findings made of an error.
func (s session) troubles(check string, err error, why string) []doctor.Finding {
	var findings []doctor.Finding
	for _, l := range s.explain(err).lines {
		findings = append(findings, doctor.Finding{Check: check, Level: doctor.Wrong, What: l.text, Why: why, Mend: l.hint})
	}
	return findings
}

// all gives the findings, or, if there are none, that all is well.
func all(findings []doctor.Finding, check, format string, args ...any) []doctor.Finding {
	if len(findings) > 0 {
		return findings
	}
	return []doctor.Finding{{Check: check, Level: doctor.Fine, What: fmt.Sprintf(format, args...)}}
}
