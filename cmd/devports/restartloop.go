package main

import (
	"fmt"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/watcher"
)

const (
	// A change within loopWindow after a service's start is probably made by
	// the service itself. More than loopLimit of them in a row are taken for a
	// loop.
	loopWindow = 3 * time.Second
	loopLimit  = 5

	minLoopDelay, maxLoopDelay = time.Second, 30 * time.Second
)

// restartLoop counts how often in a row one file has restarted a service soon
// after its start. It is a value; next returns its successor.
type restartLoop struct {
	path  string
	count int
	last  time.Time // when the latest restart was decided
}

// next counts a change of a file. started is when the service was started, and
// may be zero. delay is how long to delay the restart.
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

// restarts decides when to restart the services whose files have changed. The
// zero value is ready to use.
type restarts struct {
	loops map[string]restartLoop
	due   map[string]time.Time // when delayed restarts happen

	changed map[string]time.Time // when a service's files last changed
}

// add adds a change of the files that a service watches. now reports whether to
// restart it at once; line is to be printed, "" for none.
func (r *restarts) add(st launcher.Status, touched watcher.Touched, builds bool, at time.Time) (now bool, line string) {
	verb := "restarting"
	switch {
	case builds:
		verb = "building"
	case st.Step:
		verb = "running"
	}
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
		return true, fmt.Sprintf("%s %s: %s", verb, st.Service, formatChange(touched))
	}
	r.due[st.Service] = at.Add(delay)
	line = fmt.Sprintf("%s %s in %s: %s", verb, st.Service, text.Duration(delay), formatChange(touched))
	if loop.count == loopLimit+1 {
		line += fmt.Sprintf(", as after each of its last %d starts; if %s writes that file, add %q to its watch", loopLimit, st.Service, "!"+touched.Path)
	}
	return false, line
}

// wait is the time until the next delayed restart; false if there is none.
func (r *restarts) wait(at time.Time) (time.Duration, bool) {
	var earliest time.Time
	for _, due := range r.due {
		if earliest.IsZero() || due.Before(earliest) {
			earliest = due
		}
	}
	return earliest.Sub(at), !earliest.IsZero()
}

// hurry makes all restarts due: the user has edited the files, not the
// services, and now asks for the result.
func (r *restarts) hurry(at time.Time) {
	for name := range r.due {
		r.due[name] = at
		delete(r.loops, name)
	}
}

// delayed returns the services whose restart is delayed, and why.
func (r *restarts) delayed(at time.Time) map[string]string {
	all := map[string]string{}
	for name, due := range r.due {
		all[name] = fmt.Sprintf("restarts in %s: %s changed", text.Duration(max(due.Sub(at).Round(time.Second), time.Second)), r.loops[name].path)
	}
	return all
}

// take removes the restarts that are due, and returns their services.
func (r *restarts) take(at time.Time) (names []string) {
	for name, due := range r.due {
		if !due.After(at) {
			names = append(names, name)
			delete(r.due, name)
		}
	}
	return names
}
