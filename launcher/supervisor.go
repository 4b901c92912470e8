package launcher

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/procfile"
)

// spawnLimit is how many processes are made at a time. Making one is mostly
// waiting for the kernel; more than a few contend for Go's fork lock.
const spawnLimit = 4

// supervisor carries out what the machine decides. Only the goroutine of [Run]
// touches it; the goroutines of processes and of checks send it messages.
type supervisor struct {
	machine
	options     Options
	ctx         context.Context
	system      operatingSystem
	attempts    map[string]*attempt // by service
	builders    map[string]*builder // by service
	messages    chan message
	spawners    workers  // make the processes
	terminating []func() // asks processes to end

	done       chan struct{}  // closed when nobody receives messages any more
	goroutines sync.WaitGroup // which then end

	requests  <-chan func(*supervisor) // from Controller
	resized   <-chan os.Signal
	waiters   []*waiter
	holds     []*hold // of those who type to a service
	cancelled bool    // ctx has ended while services ran
	changed   bool    // services have another Status than those who follow know
	idle      bool    // Idle has been notified, and nothing has been started since
	settling  settling
}

// attempt is the latest process of a service, with what belongs to it.
type attempt struct {
	child   child              // nil: it is being made, or could not be
	asked   context.CancelFunc // called when devports ends it
	unwatch context.CancelFunc // ends the watch over its readiness
	finding Event              // the latest reason found for it not being ready; nil for none
}

// message is something that happened to the spawned-th process of a service, to
// its build-th build, or without a service, to the run.
type message struct {
	service string
	spawned int
	build   int // 0: it is about the process
	event   event
	child   child           // of evStarted and evBuildStarted
	lives   context.Context // of evStarted: until the process itself has ended
	news    Event           // instead of an event: what may have to be told
}

func (s *supervisor) post(m message) {
	select {
	case s.messages <- m:
	case <-s.done:
	}
}

// receive waits for one thing to happen and deals with it.
func (s *supervisor) receive() {
	var late <-chan time.Time
	if deadline := s.deadline(); !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case m := <-s.messages:
		s.deliver(m)
	case now := <-late:
		for _, name := range s.names {
			if d := s.services[name].deadline; !d.IsZero() && !d.After(now) {
				s.apply(name, event{kind: evTimeout})
			}
			if d := s.services[name].build.deadline; !d.IsZero() && !d.After(now) {
				s.apply(name, event{kind: evBuildTimeout})
			}
		}
	case plan := <-s.options.Plans:
		if !s.closing {
			s.change(plan)
		}
	case sig := <-s.options.Signals:
		switch s.signal(time.Now()) {
		case verdictStop:
			s.close(Stopping{Reason: sig.String(), Signal: true})
		case verdictKill:
			s.startClosing()
			s.killAll()
		}
	case do := <-s.requests:
		do(s)
	case <-s.resized:
		s.resize()
	case <-s.unlessClosing(s.ctx.Done()):
		s.asked, s.cancelled = true, true
		s.close(Stopping{Reason: context.Cause(s.ctx).Error()})
	case <-s.unlessClosing(s.options.Output.Failed()):
		s.close(Stopping{Reason: "nobody reads the output any more"})
	}
}

// change follows a plan.
func (s *supervisor) change(plan procfile.Plan) {
	plan.StopOnExit = plan.StopOnExit || s.options.StopOnExit
	s.system.Share(plan.Outside)
	first := !s.followed
	changes, steps := s.follow(plan)
	if !first {
		s.options.Notify(PlanChanged{changes})
	}
	for _, step := range steps {
		s.apply(step.service, event{kind: step.kind})
	}
	s.changed = true
}

// advance has every service do what is due, until nothing is.
func (s *supervisor) advance() {
	for len(s.touched) > 0 {
		for _, name := range s.takeTouched() {
			if kind, due := s.due(name); due {
				s.apply(name, event{kind: kind, outage: s.again(name)})
			}
		}
	}
	if len(s.terminating) > 0 {
		begin := s.system.Together()
		for _, ask := range s.terminating {
			ask()
		}
		begin()
		s.terminating = nil
	}
}

// noteIdle notifies that only a change of files starts anything more.
func (s *supervisor) noteIdle() {
	before := s.idle
	s.idle = false
	if !s.resting() {
		return
	}
	rerunnable := s.rerunnable()
	if s.idle = len(rerunnable) > 0; s.idle && !before {
		s.options.Notify(Idle{rerunnable})
	}
}

// close ends all services.
func (s *supervisor) close(why Stopping) {
	if !s.closing {
		s.startClosing()
		s.options.Notify(why)
	}
}

func (s *supervisor) killAll() {
	for _, name := range s.names {
		if sv := s.services[name]; sv.phase.live() || sv.build.live() {
			s.apply(name, event{kind: evKill})
		}
	}
}

// deliver hands a message to its service.
func (s *supervisor) deliver(m message) {
	if m.service == "" {
		s.options.Notify(m.news)
		return
	}
	sv, known := s.services[m.service]
	if known && m.build > 0 {
		s.deliverOfBuild(sv, m)
		return
	}
	if !known || sv.spawned != m.spawned {
		return // from an earlier process
	}
	if m.news != nil {
		s.report(sv, m.news)
		return
	}
	if m.event.kind == evUnready && guessed(sv.made.Ready) && len(s.waitingFor(m.service)) == 0 {
		return // then it may do as it likes
	}
	m.event.needed = s.depended(m.service)
	m.event.outage = s.outage(m.service, time.Now())
	if m.event.kind == evStarted {
		s.started(sv, m)
	}
	s.apply(m.service, m.event)
}

// started watches a process that has been made.
func (s *supervisor) started(sv service, m message) {
	a := s.attempts[m.service]
	a.child = m.child
	checked := sv.made.Ready.Kind != procfile.None
	if checked {
		a.unwatch = s.watchReadiness(m.lives, sv, m.child)
	}
	s.options.Notify(Started{m.service, m.child.PID(), sv.made.Port, checked})
	s.handOver(m.service, m.child)
	m.child.Show()
}

// apply takes a service to its next state and does what that asks for.
func (s *supervisor) apply(name string, e event) {
	before := s.services[name]
	after, actions := before.next(time.Now(), e)
	s.set(name, after)
	s.changed = true
	if after.ready && !before.ready && after.phase == running && e.kind == evReady {
		s.options.Notify(Ready{name, after.made.Port, after.took})
	}
	if before.phase.live() && !after.phase.live() {
		s.ended(name, e.kind)
	}
	s.afterBuild(name, before, after, e.kind)
	if over := after.phase == ended || after.phase == removed; over || before.phase.live() && !after.phase.live() {
		s.letGo(name, over)
	}
	if e.kind == evAgain {
		if on := s.obstacle(name); on != "" {
			s.options.Notify(DependencyFailed{name, on})
		}
	}
	for _, a := range actions {
		s.do(name, a)
	}
	if after.phase == removed {
		s.gone[name] = after.away
		delete(s.services, name)
		delete(s.attempts, name)
		delete(s.builders, name)
		s.sortNames()
	}
}

func (s *supervisor) do(name string, a action) {
	sv := s.services[name]
	switch a {
	case spawn:
		s.settling.started = s.settling.started || sv.retries == 0
		asked, cancel := context.WithCancel(context.Background())
		s.attempts[name] = &attempt{asked: cancel, unwatch: func() {}}
		s.spawners.do(func() { s.spawn(asked, sv.made, sv.spawned) })
	case terminate:
		s.attempts[name].asked()
		p := s.attempts[name].child
		s.terminating = append(s.terminating, func() { p.Terminate(sv.made.StopSignal, sv.made.StopTimeout) })
	case kill:
		s.attempts[name].asked()
		s.options.Notify(Killing{name, s.attempts[name].child.PID()})
		s.attempts[name].child.Kill()
	case startBuild:
		s.startBuild(name)
	case terminateBuild:
		if p := s.builders[name].child; p != nil {
			s.terminating = append(s.terminating, func() { p.Terminate("TERM", buildGrace) })
		}
	case killBuild:
		if p := s.builders[name].child; p != nil {
			p.Kill()
		}
	}
}

// ended tells that a service has no process any more, because of what.
func (s *supervisor) ended(name string, because eventKind) {
	sv, a := s.services[name], s.attempts[name]
	a.asked()
	a.unwatch()
	again := s.again(name) != Outage{}
	switch because {
	case evFailed:
		s.options.Notify(NotStarted{name, *sv.exit, sv.delay})
	case evTimeout:
		s.options.Notify(Unkillable{name, a.child.PID(), a.child.Survivors()})
	default:
		s.options.Notify(Ended{name, *sv.exit, sv.delay, sv.left, sv.during, again})
	}
	s.notRunning(name)
}

// notRunning tells what it means for others that a service has no process any
// more, or gets none.
func (s *supervisor) notRunning(name string) {
	sv := s.services[name]
	again := s.again(name) != Outage{}
	if sv.phase == ended && !sv.available() && !sv.exit.Asked && !again && !s.closing && !s.finished() {
		for _, other := range s.waitingFor(name) {
			s.options.Notify(DependencyFailed{other, name})
		}
	}
	if s.stopOnExit && !sv.exit.Asked && !s.closing && sv.phase != backoff {
		s.first = &ExitError{name, sv.exit.Status}
		s.close(Stopping{Service: name})
	}
}

// unlessClosing is nil, which blocks for ever, once all services are to end.
func (s *supervisor) unlessClosing(c <-chan struct{}) <-chan struct{} {
	if s.closing {
		return nil
	}
	return c
}
