package launcher

import (
	"context"
	"slices"
	"time"

	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// spawn starts a process, and follows it until it has ended in another
// goroutine, whose stack stays small. stopped is done once devports stops the
// process. ended, unless nil, is called when it has ended, with its exit, or
// with nil if devports has stopped it.
func (s *supervisor) spawn(stopped context.Context, spec procfile.Process, size *terminal.Size, generation int, ended func(*Exit)) {
	if ended == nil {
		ended = func(*Exit) {}
	}
	post := func(m message) {
		m.service, m.generation = spec.Service, generation
		s.post(m)
	}
	exit := s.portTaken(spec)
	started := time.Now()
	var p child
	if exit.Err == nil {
		p, exit = s.system.Start(spec, size)
	}
	s.goroutines.Go(func() {
		if p == nil {
			ended(&exit)
			post(message{event: event{kind: evSpawnFailed, exit: s.options.explain(spec, exit, started)}})
			return
		}
		s.follow(stopped, p, spec, started, post, ended)
	})
}

// follow posts what happens to a process until it has ended.
func (s *supervisor) follow(stopped context.Context, p child, spec procfile.Process, started time.Time, post func(message), ended func(*Exit)) {
	alive, cancel := context.WithCancel(context.Background())
	defer cancel()
	post(message{event: event{kind: evStarted}, child: p, alive: alive})
	var own *Exit // nil: it was stopped
	var judged bool
	judge := func(exit Exit) {
		if !judged && stopped.Err() == nil {
			own = &exit
		}
		judged = true
	}
	exit, gone := p.Follow(s.done, func(exit Exit) {
		judge(exit)
		cancel()
		e := event{kind: evExited, exit: s.options.explain(spec, exit, started), own: own != nil}
		if exit.Status == 0 && exit.Err == nil {
			e.orphans, e.serving = s.leftBehind(stopped, p, spec.Port)
		}
		post(message{event: e})
	})
	cancel()
	if gone {
		judge(exit)
	}
	ended(own)
	if gone {
		post(message{event: event{kind: evGone, exit: s.options.explain(spec, exit, started), own: own != nil}})
	}
}

// exitGrace is how long the children of a process that has exited with status 0
// have to exit as well before they count as left behind.
const exitGrace = 50 * time.Millisecond

// leftBehind returns the background processes that p left when it exited, and
// whether one of them listens on the service's port. It returns none once ctx
// is done, as devports is stopping them then.
func (s *supervisor) leftBehind(ctx context.Context, p child, port int) (left []Orphan, serving bool) {
	select {
	case <-time.After(exitGrace):
	case <-ctx.Done():
		return nil, false
	}
	left = p.LeftBehind()
	if port == 0 || len(left) == 0 || s.options.Listening == nil {
		return left, false
	}
	var pids []int
	for _, l := range left {
		pids = append(pids, l.PID)
	}
	return left, slices.Contains(s.options.Listening(pids), port)
}

// terminalSize returns the size of a service's terminal; nil without terminals. It
// is for the goroutine of the supervisor.
func (s *supervisor) terminalSize(service string) *terminal.Size {
	attached := s.attachedSize(service)
	switch t := s.options.Terminals; {
	case t == nil:
		return nil
	case attached != terminal.Size{}:
		return &attached
	case t.Size == nil:
		return &terminal.Size{Rows: 24, Columns: 80}
	default:
		size := t.Size(service)
		return &size
	}
}

// resize gives all terminals their current size.
func (s *supervisor) resize() {
	for name, sv := range s.services {
		if size, p := s.terminalSize(name), s.childOf(name); sv.phase.live() && p != nil && size != nil {
			p.Resize(*size)
		}
		if size, b := s.terminalSize(name), s.builds[name]; sv.build.live() && b.child != nil && size != nil {
			b.child.Resize(*size)
		}
	}
}

// childOf returns the process of a service; nil if it has none, or is being
// spawned. The pid of one that has ended may be another process's.
func (s *supervisor) childOf(name string) child {
	if a := s.processes[name]; a != nil && s.services[name].phase.live() {
		return a.child
	}
	return nil
}
