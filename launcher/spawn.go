package launcher

import (
	"context"
	"slices"
	"time"

	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// spawn makes a process, and has another goroutine follow it to its end: one whose
// stack has not grown. asked ends when devports ends the process.
func (s *supervisor) spawn(asked context.Context, spec procfile.Process, spawned int) {
	post := func(m message) {
		m.service, m.spawned = spec.Service, spawned
		s.post(m)
	}
	exit := s.taken(spec)
	var p child
	if exit.Err == nil {
		p, exit = s.system.Start(spec, s.room(spec.Service))
	}
	s.goroutines.Go(func() {
		if p == nil {
			post(message{event: event{kind: evFailed, exit: exit}})
			return
		}
		s.attend(asked, p, spec, post)
	})
}

// attend posts what happens to a process.
func (s *supervisor) attend(asked context.Context, p child, spec procfile.Process, post func(message)) {
	lives, over := context.WithCancel(context.Background())
	defer over()
	post(message{event: event{kind: evStarted}, child: p, lives: lives})
	exit, gone := p.Follow(s.done, func(exit Exit) {
		over()
		e := event{kind: evExited, exit: exit}
		if exit.Status == 0 && exit.Err == nil {
			e.left, e.serving = s.leftBehind(asked, p, spec.Port)
		}
		post(message{event: e})
	})
	over()
	if gone {
		post(message{event: event{kind: evGone, exit: exit}})
	}
}

// exitGrace is what the children of a process that has ended with status 0 get
// to end as well, before they count as left behind.
const exitGrace = 50 * time.Millisecond

// leftBehind are the processes that p, which has ended, has left in the
// background, and whether one of them listens on the service's port. It is
// empty once ctx is done: devports is ending them then.
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

// room is the size of a service's terminal, if it has one.
func (s *supervisor) room(service string) *terminal.Size {
	switch t := s.options.Terminals; {
	case t == nil:
		return nil
	case t.Size == nil:
		return &terminal.Size{Rows: 24, Columns: 80}
	default:
		size := t.Size(service)
		return &size
	}
}

// resize tells all services how much room there is now.
func (s *supervisor) resize() {
	for name, sv := range s.services {
		if size, p := s.room(name), s.childOf(name); sv.phase.live() && p != nil && size != nil {
			p.Resize(*size)
		}
		if size, b := s.room(name), s.builders[name]; sv.build.live() && b.child != nil && size != nil {
			b.child.Resize(*size)
		}
	}
}

// childOf is the latest process of a service, if it has been made.
func (s *supervisor) childOf(name string) child {
	if a := s.attempts[name]; a != nil {
		return a.child
	}
	return nil
}
