package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/procfile"
)

// tell puts an event of the launcher in words.
func tell(e launcher.Event) string {
	switch e := e.(type) {
	case launcher.Started:
		if e.Port == 0 || e.HasCheck {
			return fmt.Sprintf("%s started (pid %d)", e.Service, e.PID)
		}
		return fmt.Sprintf("%s started on http://localhost:%d (pid %d)", e.Service, e.Port, e.PID)
	case launcher.Building:
		return "building " + e.Service
	case launcher.BuildFailed:
		text := fmt.Sprintf("%s: its build failed: %s%s", e.Service, e.Exit, limitOf(e.Exit.Err))
		if e.Running {
			text += "; the old process keeps running"
		}
		return text
	case launcher.Ready:
		where := ""
		if e.Port > 0 {
			where = fmt.Sprintf(" on http://localhost:%d", e.Port)
		}
		return fmt.Sprintf("%s ready%s after %s", e.Service, where, wording.Duration(e.Took))
	case launcher.AllReady:
		text := fmt.Sprintf("all %d ready after %s", e.Services, wording.Duration(e.Took))
		if e.Stopped > 0 {
			text += fmt.Sprintf(", %d stopped", e.Stopped)
		}
		return text
	case launcher.WrongPort:
		return fmt.Sprintf("%s listens on %s, not on its PORT %d: does its command use $PORT?", e.Service, wording.Numbers(e.Ports), e.Port)
	case launcher.NoListener:
		return fmt.Sprintf(`%s listens nowhere, and %s waits for it: if it never will, say port = false or ready = "none"`, e.Service, e.On)
	case launcher.WrongProtocol:
		return fmt.Sprintf(`%s expects HTTPS on port %d, but its check asks over HTTP: write ready = "tcp", or "exec:curl -fks https://localhost:$PORT/"`, e.Service, e.Port)
	case launcher.DependencyFailed:
		return fmt.Sprintf("%s waits for %s, which has failed", e.Service, e.On)
	case launcher.NotStarted:
		text := fmt.Sprintf("%s could not be started: %s%s", e.Service, e.Exit, limitOf(e.Exit.Err))
		var taken *launcher.PortTakenError
		if errors.As(e.Exit.Err, &taken) {
			text += fmt.Sprintf(" (devports who %d tells what)", taken.Port)
		}
		return text + tellRetry(e.Retry)
	case launcher.Blocked:
		return fmt.Sprintf("%s was not started: it depends on %s", e.Service, e.On)
	case launcher.Ended:
		if e.Exit.Requested {
			return e.Service + " stopped"
		}
		text := e.Service + " " + e.Exit.String()
		if during := e.Outage.String(); during != "" {
			text += " " + during
		}
		if len(e.Orphans) > 0 {
			text += "; ended with it: " + tellLeft(e.Orphans)
		}
		switch {
		case e.Rerun:
			text += fmt.Sprintf("; it is run once more when %s is back", e.Outage.Service)
		case e.Outage.Reason == launcher.OutageRestart && e.Retry == 0:
			text += fmt.Sprintf(" (to restart both: devports restart --dependents %s)", e.Outage.Service)
		}
		return text + tellRetry(e.Retry)
	case launcher.Idle:
		watch := "watch"
		if len(e.Services) == 1 {
			watch = "watches"
		}
		return fmt.Sprintf("all services have ended: waiting for changes to the files that %s %s", wording.List(e.Services), watch)
	case launcher.Killing:
		return fmt.Sprintf("killing %s (pid %d)", e.Service, e.PID)
	case launcher.Unkillable:
		if len(e.Survivors) > 0 {
			return fmt.Sprintf("%s cannot be killed: %s", e.Service, tellAlive(e.Survivors))
		}
		return fmt.Sprintf("%s cannot be killed: look at pid %d", e.Service, e.PID)
	case launcher.Stopping:
		if e.Service != "" {
			return fmt.Sprintf("stopping: %s has ended", e.Service)
		}
		return fmt.Sprintf("stopping: %s (once more kills)", e.Reason)
	case launcher.NoWatchdog:
		return fmt.Sprintf("nothing will end the services should devports be killed: %s", e.Err)
	case launcher.WatchdogReplaced:
		return "the watchdog was killed: started another"
	case launcher.OrphansKilled:
		return tellEnded("ended what had got away: ", e.Orphans)
	case launcher.LeftRunning:
		text := fmt.Sprintf("left running: %s (pid %d)", wording.Shorten(text.OneLine(e.Process.Command), 48), e.Process.PID)
		if e.Process.Service != "" {
			text += ", started by " + e.Process.Service
		}
		return text
	case launcher.PlanChanged:
		return "followed an edit: " + tellChanges(e.Changes)
	}
	return ""
}

// tellEnded says which processes have been ended, after words for that, and which
// could not be.
func tellEnded(words string, left []launcher.Orphan) string {
	var ended, alive []launcher.Orphan
	for _, l := range left {
		if l.Err == nil {
			ended = append(ended, l)
		} else {
			alive = append(alive, l)
		}
	}
	switch {
	case len(alive) == 0:
		return words + tellLeft(ended)
	case len(ended) == 0:
		return "could not end " + tellAlive(alive)
	}
	return words + tellLeft(ended) + "; could not end " + tellAlive(alive)
}

// tellAlive names processes that still run, and what to type.
func tellAlive(left []launcher.Orphan) string {
	text, sudo, pids := tellLeft(left), "", ""
	for _, l := range left {
		if errors.Is(l.Err, os.ErrPermission) {
			sudo = "sudo "
		}
		pids += fmt.Sprintf(" %d", l.PID)
	}
	if len(left) == 1 {
		return fmt.Sprintf("%s, which still runs (%skill%s)", text, sudo, pids)
	}
	return fmt.Sprintf("%s, which still run (%skill%s)", text, sudo, pids)
}

// tellRetry says when a service is started again, if it is.
func tellRetry(after time.Duration) string {
	if after == 0 {
		return ""
	}
	return fmt.Sprintf("; started again in %v, at %s", after, time.Now().Add(after).Format(time.TimeOnly))
}

// limitOf says how to raise the limit that err has run into.
func limitOf(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return " (raise the limit: ulimit -n)"
	case errors.Is(err, syscall.EAGAIN):
		return ": too many processes (raise the limit: ulimit -u)"
	}
	return ""
}

func tellChanges(changes []procfile.Change) string {
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
			parts = append(parts, "restarting "+c.Service+" ("+strings.Join(c.Reasons, "; ")+")")
		}
	}
	switch len(kept) {
	case 0:
	case 1:
		parts = append(parts, kept[0]+" keeps the environment that it has")
	default:
		parts = append(parts, wording.List(kept)+" keep the environment that they have")
	}
	if len(parts) == 0 {
		return "no service has to be restarted"
	}
	return strings.Join(parts, ", ")
}
