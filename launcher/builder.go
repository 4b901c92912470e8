package launcher

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// builder is the latest build of a service.
type builder struct {
	child child // nil: it is being made, or could not be
	last  *lastLines
}

// startBuild makes the process of a build and follows it to its end.
func (s *supervisor) startBuild(name string) {
	sv := s.services[name]
	s.builders[name] = &builder{last: &lastLines{}}
	s.options.Notify(Building{name})
	s.spawners.do(func() { s.build(sv.spec, sv.build.count) })
}

// build makes the process, and has another goroutine follow it.
func (s *supervisor) build(spec procfile.Process, count int) {
	post := func(m message) {
		m.service, m.build = spec.Service, count
		s.post(m)
	}
	p, exit := s.system.Start(spec.Builder(), s.room(spec.Service))
	s.goroutines.Go(func() {
		if p == nil {
			post(message{event: event{kind: evBuildGone, exit: exit}})
			return
		}
		post(message{event: event{kind: evBuildStarted}, child: p})
		exit, gone := p.Follow(s.done, func(exit Exit) {
			time.Sleep(exitGrace)
			post(message{event: event{kind: evBuildExited, exit: exit}})
		})
		if gone {
			post(message{event: event{kind: evBuildGone, exit: exit}})
		}
	})
}

// deliverOfBuild hands a message to the build of its service.
func (s *supervisor) deliverOfBuild(sv service, m message) {
	if sv.build.count != m.build || !sv.build.live() { // it has been given up
		if m.child != nil {
			m.child.Show()
			m.child.Kill()
		}
		return
	}
	if m.event.kind == evBuildStarted {
		b := s.builders[m.service]
		b.child = m.child
		m.child.Stream().Tap(b.last)
		m.child.Show()
	}
	s.apply(m.service, m.event)
}

// afterBuild notifies of how a build has ended, if it has.
func (s *supervisor) afterBuild(name string, before, after service, because eventKind) {
	if !before.build.live() || after.build.live() {
		return
	}
	if p := s.builders[name].child; because == evBuildTimeout && p != nil {
		s.options.Notify(Unkillable{name, p.PID(), p.Survivors()})
	}
	if after.build.phase != buildFailed {
		return
	}
	s.options.Notify(BuildFailed{name, *after.build.exit, after.phase.live()})
	if before.phase != ended && after.phase == ended {
		s.notRunning(name)
	}
}

// maxLastLines is how many of the last lines of a build are kept, and
// maxLastBytes how many bytes.
const (
	maxLastLines = 20
	maxLastBytes = 4 << 10
)

// lastLines keeps the last of what is written to it.
type lastLines struct {
	mu   sync.Mutex // guards text: a process that got away may still write
	text []byte
}

func (l *lastLines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, text...)
	if extra := len(l.text) - maxLastBytes; extra > maxLastBytes {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(text), nil
}

// lines are the last lines that are not empty, as they look without colours.
func (l *lastLines) lines() (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text
	if extra := len(text) - maxLastBytes; extra > 0 {
		text = text[extra:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(output.Plain(strings.TrimRight(line, "\r\n")), " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-maxLastLines):]
}

// The values of Status.Build.
const (
	BuildWaiting = "waiting" // it is to begin
	BuildRunning = "running"
	BuildFailure = "failed"
)

// addBuild adds to a status how the build is.
func (s *supervisor) addBuild(status *Status, sv service) {
	switch {
	case sv.phase == ended && sv.build.live():
		status.State, status.Detail = StateStopping, ""
	case !sv.mustBuild() || status.State == StateStopped || status.State == StateStopping:
	case sv.build.live():
		status.Build = BuildRunning
		if sv.phase == waiting && s.missing(sv) == "" {
			status.State = StateStarting
		}
	case sv.build.phase == unbuilt:
		status.Build = BuildWaiting
	case sv.build.phase == buildFailed:
		status.Build, status.BuildLines = BuildFailure, s.builders[status.Service].last.lines()
		if sv.phase.live() && status.Detail == "" {
			status.Detail = (&BuildError{*sv.build.exit}).Error()
		}
	}
}
