package main

import (
	"fmt"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/watcher"
)

const (
	// loopWindow is how soon after its start a change is likely to be a service's
	// own doing, and loopLimit after how many of them in a row that is assumed.
	loopWindow = 3 * time.Second
	loopLimit  = 5

	minLoopDelay, maxLoopDelay = time.Second, 30 * time.Second
)

// restartLoop is how often in a row one file has restarted a service soon after
// its start. It is a value; next gives its successor.
type restartLoop struct {
	path  string
	count int
	last  time.Time // when the latest restart was decided on
}

// next takes in that a file has changed, and that the service was started at a
// time, which may be zero. delay is how long its restart is to wait.
func (l restartLoop) next(path string, started, now time.Time) (_ restartLoop, delay time.Duration) {
	if started.Before(l.last) {
		started = l.last
	}
	if path != l.path || now.Sub(started) >= loopWindow {
		l = restartLoop{path: path}
	}
	l.count++
	if l.count > loopLimit {
		delay = min(minLoopDelay<<min(l.count-loopLimit-1, 10), maxLoopDelay)
	}
	l.last = now.Add(delay)
	return l, delay
}

// restarts decides when services are restarted that watch what has changed. The
// zero value is ready.
type restarts struct {
	loops map[string]restartLoop
	due   map[string]time.Time // services whose restart waits

	changed map[string]time.Time // when what a service watches was last touched
}

// add takes in a change of what a service watches. now reports whether it is to
// be restarted at once; text is what to print, "" for nothing.
func (r *restarts) add(st launcher.Status, touched watcher.Touched, at time.Time) (now bool, text string) {
	if r.changed == nil {
		r.loops, r.due, r.changed = map[string]restartLoop{}, map[string]time.Time{}, map[string]time.Time{}
	}
	r.changed[st.Service] = touched.Last
	loop := r.loops[st.Service]
	if _, waits := r.due[st.Service]; waits && touched.Path == loop.path {
		return false, ""
	}
	loop, delay := loop.next(touched.Path, st.Since, at)
	r.loops[st.Service] = loop
	delete(r.due, st.Service)
	if delay == 0 {
		return true, fmt.Sprintf("restarting %s: %s", st.Service, tellTouched(touched))
	}
	r.due[st.Service] = at.Add(delay)
	text = fmt.Sprintf("restarting %s in %v: %s", st.Service, delay, tellTouched(touched))
	if loop.count == loopLimit+1 {
		text += fmt.Sprintf(", as after each of its last %d starts; if %s writes it, add %q to its watch", loopLimit, st.Service, "!"+touched.Path)
	}
	return false, text
}

// wait is how long it is until a restart is due; false if none waits.
func (r *restarts) wait(at time.Time) (time.Duration, bool) {
	var earliest time.Time
	for _, due := range r.due {
		if earliest.IsZero() || due.Before(earliest) {
			earliest = due
		}
	}
	return earliest.Sub(at), !earliest.IsZero()
}

// hurry makes all restarts due. The changes were not the services' own doing:
// a user has edited the files and now asks for the result.
func (r *restarts) hurry(at time.Time) {
	for name := range r.due {
		r.due[name] = at
		delete(r.loops, name)
	}
}

// delayed are the services whose restart waits, and why.
func (r *restarts) delayed(at time.Time) map[string]string {
	all := map[string]string{}
	for name, due := range r.due {
		all[name] = fmt.Sprintf("restarts in %v, for %s has changed", max(due.Sub(at).Round(time.Second), time.Second), r.loops[name].path)
	}
	return all
}

// take returns the services whose restart is due, which then waits no more.
func (r *restarts) take(at time.Time) (names []string) {
	for name, due := range r.due {
		if !due.After(at) {
			names = append(names, name)
			delete(r.due, name)
		}
	}
	return names
}
