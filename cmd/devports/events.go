package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/procfile"
)

// formatEvent formats an event of the launcher as a line. cause is why a build
// starts; "" if it is not known.
func formatEvent(e launcher.Event, cause string) string {
	switch e := e.(type) {
	case launcher.Started:
		return fmt.Sprintf("%s started (pid %d)", e.Service, e.PID)
	case launcher.Joined:
		return fmt.Sprintf("%s is shared by all checkouts; %s started it", e.Service, e.StartedBy)
	case launcher.Listening:
		return fmt.Sprintf("%s listens on %s after %s", e.Service, e.Address, text.Duration(e.Took))
	case launcher.Building:
		text := "building " + e.Service
		if cause != "" {
			text += ": " + cause
		}
		return text
	case launcher.BuildFailed:
		text := fmt.Sprintf("%s: build failed: %s%s", e.Service, e.Exit, limitHint(e.Exit.Err))
		if e.Running {
			text += "; the old process keeps running"
		}
		return text
	case launcher.Ready:
		where := ""
		if e.Address != "" {
			where = " on " + e.Address
		}
		return fmt.Sprintf("%s ready%s after %s", e.Service, where, text.Duration(e.Took))
	case launcher.AllReady:
		text := fmt.Sprintf("all %d ready after %s", e.Services, text.Duration(e.Took))
		if e.Stopped > 0 {
			text += fmt.Sprintf(", %d stopped", e.Stopped)
		}
		return text
	case launcher.WrongPort:
		return fmt.Sprintf("%s ignores PORT: it listens on %s, not %d; use $PORT in its command", e.Service, wording.Numbers(e.Ports), e.Port)
	case launcher.NoListener:
		return fmt.Sprintf(`%s does not listen on any port, and %s waits for it; if it never will, set port = false or ready = "none"`, e.Service, e.On)
	case launcher.WrongProtocol:
		return fmt.Sprintf(`%s expects HTTPS on port %d, but its ready check uses HTTP; set ready = "tcp" or "exec:curl -fks https://localhost:$PORT/"`, e.Service, e.Port)
	case launcher.UpToDate:
		return e.Service + " is up to date"
	case launcher.DependencyFailed:
		return fmt.Sprintf("%s waits for %s, which has failed", e.Service, e.On)
	case launcher.NotStarted:
		text := fmt.Sprintf("%s failed to start: %s%s", e.Service, e.Exit, limitHint(e.Exit.Err))
		var taken *launcher.PortTakenError
		if errors.As(e.Exit.Err, &taken) {
			text += fmt.Sprintf(" (to see which process: devports who %d)", taken.Port)
		}
		return text + formatRetry(e.Retry)
	case launcher.Blocked:
		return fmt.Sprintf("%s was not started: %s, on which it depends, was not ready", e.Service, e.On)
	case launcher.Ended:
		if e.Exit.Requested {
			return e.Service + " stopped"
		}
		text := e.Service + " " + e.Exit.String()
		if outage := e.Outage.String(); outage != "" {
			text += " " + outage
		}
		if len(e.Orphans) > 0 {
			text += "; killed leftover processes: " + formatProcesses(e.Orphans)
		}
		switch {
		case e.Rerun:
			text += fmt.Sprintf("; running it again once %s is back", e.Outage.Service)
		case e.Outage.Reason == launcher.OutageRestart && e.Retry == 0:
			text += fmt.Sprintf(" (to restart both: devports restart --dependents %s)", e.Outage.Service)
		case e.Shared && e.Exit.Failed():
			text += fmt.Sprintf(" (to see its output: devports logs %s)", e.Service)
		}
		return text + formatRetry(e.Retry)
	case launcher.Idle:
		return "all services have ended; waiting for changes to the files watched by " + wording.List(e.Services)
	case launcher.Killing:
		return fmt.Sprintf("killing %s (pid %d)", e.Service, e.PID)
	case launcher.Unkillable:
		if len(e.Survivors) > 0 {
			return fmt.Sprintf("cannot kill %s: %s", e.Service, formatSurvivors(e.Survivors))
		}
		return fmt.Sprintf("cannot kill %s (pid %d)", e.Service, e.PID)
	case launcher.Stopping:
		switch {
		case e.Service != "":
			return e.Service + " ended: stopping all services"
		case e.Signal && e.Reason == os.Interrupt.String():
			return e.Reason + ": stopping (press Ctrl-C again to kill)"
		case e.Signal:
			return e.Reason + ": stopping (a second signal kills)"
		}
		return e.Reason + ": stopping"
	case launcher.NoWatchdog:
		return fmt.Sprintf("no watchdog: services will keep running if devports is killed: %s", e.Err)
	case launcher.WatchdogReplaced:
		return "the watchdog was killed; started a new one"
	case launcher.OrphansKilled:
		return formatKilled("killed leftover processes: ", e.Orphans)
	case launcher.LeftRunning:
		text := fmt.Sprintf("left running: %s (pid %d)", wording.Shorten(text.OneLine(e.Process.Command), 48), e.Process.PID)
		if e.Process.Service != "" {
			text += ", started by " + e.Process.Service
		}
		return text
	case launcher.PlanChanged:
		return "applied edit: " + formatChanges(e.Changes)
	}
	return ""
}

// formatKilled lists the processes that were killed, after prefix, and those
// that could not be.
func formatKilled(prefix string, orphans []launcher.Orphan) string {
	var killed, alive []launcher.Orphan
	for _, o := range orphans {
		if o.Err == nil {
			killed = append(killed, o)
		} else {
			alive = append(alive, o)
		}
	}
	switch {
	case len(alive) == 0:
		return prefix + formatProcesses(killed)
	case len(killed) == 0:
		return "could not kill " + formatSurvivors(alive)
	}
	return prefix + formatProcesses(killed) + "; could not kill " + formatSurvivors(alive)
}

// formatSurvivors lists processes that still run, and the command that kills
// them.
func formatSurvivors(orphans []launcher.Orphan) string {
	text, sudo, pids := formatProcesses(orphans), "", ""
	for _, l := range orphans {
		if errors.Is(l.Err, os.ErrPermission) {
			sudo = "sudo "
		}
		pids += fmt.Sprintf(" %d", l.PID)
	}
	return fmt.Sprintf("%s, still running (to kill: %skill%s)", text, sudo, pids)
}

// formatProcesses lists processes: "web, pid 42 (sleep 1000) and pid 43
// (make)".
func formatProcesses(orphans []launcher.Orphan) string {
	var words []string
	for _, o := range orphans {
		word := fmt.Sprintf("pid %d (%s)", o.PID, wording.Shorten(text.OneLine(o.Command), 48))
		if o.Service != "" {
			word = o.Service + ", " + word
		}
		words = append(words, word)
	}
	return wording.List(words)
}

// formatRetry is when a service restarts; "" for never.
func formatRetry(after time.Duration) string {
	if after == 0 {
		return ""
	}
	return "; restarting in " + text.Duration(after)
}

// limitHint explains how to raise the limit that err is about.
func limitHint(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return " (raise the limit: ulimit -n NUMBER)"
	case errors.Is(err, syscall.EAGAIN):
		return ": too many processes (raise the limit: ulimit -u NUMBER)"
	}
	return ""
}

func formatChanges(changes []procfile.Change) string {
	var parts, kept []string
	for _, c := range changes {
		switch c.Kind {
		case procfile.Kept:
			kept = append(kept, c.Service)
		case procfile.Added:
			parts = append(parts, "starting "+c.Service)
		case procfile.Removed:
			parts = append(parts, "stopping "+c.Service)
		case procfile.Changed:
			if slices.Contains(c.Reasons, procfile.StepChanged) {
				parts = append(parts, "running "+c.Service+", which has changed")
				continue
			}
			parts = append(parts, "restarting "+c.Service+" ("+strings.Join(c.Reasons, "; ")+")")
		case procfile.Stopped:
			parts = append(parts, c.Service+" stays stopped ("+strings.Join(c.Reasons, "; ")+")")
		}
	}
	switch len(kept) {
	case 0:
	case 1:
		parts = append(parts, kept[0]+" keeps its environment until it restarts")
	default:
		parts = append(parts, wording.List(kept)+" keep their environment until they restart")
	}
	if len(parts) == 0 {
		return "nothing to restart"
	}
	return strings.Join(parts, ", ")
}
