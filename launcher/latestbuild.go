package launcher

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// latestBuild is the latest build of a service.
type latestBuild struct {
	child child // nil while it is being spawned, and if that failed
	last  *lastLines
}

// startBuild starts a build and follows it until it has ended.
func (s *supervisor) startBuild(name string) {
	sv := s.services[name]
	s.builds[name] = &latestBuild{last: &lastLines{}}
	s.options.Notify(Building{name})
	size := s.terminalSize(name)
	s.spawners.do(func() { s.build(sv.spec, size, sv.build.count) })
}

// build starts the process of a build, and follows it in another goroutine.
func (s *supervisor) build(spec procfile.Process, size *terminal.Size, count int) {
	post := func(m message) {
		m.service, m.buildCount = spec.Service, count
		s.post(m)
	}
	started := time.Now()
	p, exit := s.system.Start(spec.Builder(), size)
	s.goroutines.Go(func() {
		if p == nil {
			post(message{event: event{kind: evBuildGone, exit: s.options.explain(spec.Builder(), exit, started)}})
			return
		}
		post(message{event: event{kind: evBuildStarted}, child: p})
		exit, gone := p.Follow(s.done, func(exit Exit) {
			time.Sleep(exitGrace)
			post(message{event: event{kind: evBuildExited, exit: s.options.explain(spec.Builder(), exit, started)}})
		})
		if gone {
			post(message{event: event{kind: evBuildGone, exit: s.options.explain(spec.Builder(), exit, started)}})
		}
	})
}

// deliverToBuild applies a message to the build of its service.
func (s *supervisor) deliverToBuild(sv service, m message) {
	if sv.build.count != m.buildCount || !sv.build.live() { // it was given up
		if m.child != nil {
			m.child.Show()
			m.child.Kill()
		}
		return
	}
	if m.event.kind == evBuildStarted {
		b := s.builds[m.service]
		b.child = m.child
		m.child.Stream().Tap(b.last)
		m.child.Show()
	}
	s.apply(m.service, m.event)
}

// notifyBuildEnded reports the end of a build.
func (s *supervisor) notifyBuildEnded(name string, before, after service, cause eventKind) {
	if !before.build.live() || after.build.live() {
		return
	}
	if p := s.builds[name].child; cause == evBuildTimeout && p != nil {
		s.options.Notify(Unkillable{name, p.PID(), p.Survivors()})
	}
	if after.build.phase != buildFailed {
		return
	}
	s.options.Notify(BuildFailed{name, *after.build.exit, after.phase.live()})
	if before.phase != ended && after.phase == ended {
		s.propagateEnd(name)
	}
}

// A build keeps at most maxLastLines of its last lines, and about maxLastBytes.
const (
	maxLastLines = 20
	maxLastBytes = 4 << 10
)

// lastLines keeps the last lines that are written to it.
type lastLines struct {
	mu   sync.Mutex // guards text: a process that outlived the build may still write
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

// lines returns the last non-empty lines, without colours.
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
	BuildWaiting = "waiting" // it is about to start
	BuildRunning = "running"
	BuildFailure = "failed"
)

// addBuild adds the state of the build to a status.
func (s *supervisor) addBuild(status *Status, sv service) {
	switch {
	case sv.phase == ended && sv.build.live():
		status.State, status.Detail = StateStopping, ""
	case !sv.mustBuild() || status.State == StateStopped || status.State == StateStopping:
	case sv.build.live():
		status.Build = BuildRunning
		if sv.phase == waiting && s.unmetDependency(sv) == "" {
			status.State = StateStarting
		}
	case sv.build.phase == unbuilt:
		status.Build = BuildWaiting
		if on := s.buildBlocker(sv); on != "" && sv.phase.live() {
			root := s.statusOf(on)
			status.BlockedBy = Blocker{on, root.State, root.Detail, root.LastStarted}
			status.Detail = "its build waits for " + on + ", which " + root.outcome()
		}
	case sv.build.phase == buildFailed:
		status.Build, status.BuildLines = BuildFailure, s.builds[status.Service].last.lines()
		if sv.phase.live() && status.Detail == "" {
			status.Detail = (&BuildError{*sv.build.exit}).Error()
		}
	}
}
