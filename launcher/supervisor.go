package launcher

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/procfile"
)

// spawnLimit is how many processes are spawned at a time. Spawning is mostly
// waiting for the kernel, which then does only one at a time: see package system.
const spawnLimit = 4

// supervisor carries out the decisions of the machine. Only the goroutine of
// [Run] accesses it; the goroutines of processes and checks send it messages.
type supervisor struct {
	machine
	options     Options
	ctx         context.Context
	system      operatingSystem
	processes   map[string]*latestProcess // by service
	builds      map[string]*latestBuild   // by service
	messages    chan message
	signals     chan arrival
	ports       portList
	spawners    workers  // start the processes
	terminating []func() // send stop signals, at the end of advance

	done       chan struct{}  // closed when messages are no longer received
	goroutines sync.WaitGroup // end after done is closed

	requests  <-chan func(*supervisor) // from Controller
	resized   <-chan os.Signal
	waiters   []*waiter
	attached  []*session // of attached clients
	cancelled bool       // ctx has ended while services ran
	changed   bool       // the Status of services may differ from the last one reported
	idle      bool       // Idle has been reported, and nothing has started since
	rollout   rollout
	followers map[string]*follower // of shared services
}

// latestProcess is the latest process of a service and what belongs to it.
type latestProcess struct {
	child        child              // nil while it is being spawned, and if that failed
	endRequested context.CancelFunc // called when devports stops it
	stopWatch    context.CancelFunc // stops waiting for it to become ready
	stopDrain    context.CancelFunc // stops waiting for its requests
	listening    bool               // it listens on its port, without a check
	finding      Event              // the latest diagnosis of why it is not ready; nil for none
}

// message reports an event to the supervisor: of a process of a service (by its
// generation), of one of its builds (by its number), or of the run (no
// service).
type message struct {
	service    string
	generation int
	buildCount int // 0: about the process
	event      event
	child      child           // with evStarted and evBuildStarted
	alive      context.Context // with evStarted: done when the process itself has ended
	follower   *follower       // of a shared service, with shared or evGone
	shared     SharedState     // instead of an event
	notice     Event           // instead of an event: for Notify
}

func (s *supervisor) post(m message) {
	select {
	case s.messages <- m:
	case <-s.done:
	}
}

// arrival is a signal that has arrived.
type arrival struct {
	signal os.Signal
	at     time.Time
}

// receiveSignals notes when signals arrive, even if the supervisor is busy: the
// time between two decides whether they are one.
func (s *supervisor) receiveSignals() {
	for {
		select {
		case sig := <-s.options.Signals:
			select {
			case s.signals <- arrival{sig, time.Now()}:
			case <-s.done:
			}
		case <-s.done:
			return
		}
	}
}

// receive waits for one message, deadline, plan, signal or request and handles
// it.
func (s *supervisor) receive() {
	var due <-chan time.Time
	if deadline := s.deadline(); !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case m := <-s.messages:
		s.deliver(m)
	case now := <-due:
		select {
		case m := <-s.messages: // that a process has exited, perhaps before its trial was over
			s.deliver(m)
		default:
		}
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
	case a := <-s.signals:
		switch s.signal(a.at) {
		case signalStop:
			s.close(Stopping{Reason: a.signal.String(), Signal: true})
		case signalKill:
			s.startClosing()
			s.killAll()
		}
	case do := <-s.requests:
		do(s)
	case <-s.resized:
		s.resize()
	case <-s.unlessClosing(s.ctx.Done()):
		s.stopRequested, s.cancelled = true, true
		s.close(Stopping{Reason: context.Cause(s.ctx).Error()})
	case <-s.unlessClosing(s.options.Output.Failed()):
		s.close(Stopping{Reason: "the output pipe is closed"})
	}
}

// change switches to a new plan.
func (s *supervisor) change(plan procfile.Plan) {
	plan.StopOnExit = plan.StopOnExit || s.options.StopOnExit
	s.system.SetOutsidePrograms(plan.Outside)
	first := !s.hasPlan
	changes, steps := s.applyPlan(plan)
	if !first {
		s.options.Notify(PlanChanged{changes})
	}
	for _, step := range steps {
		s.apply(step.service, event{kind: step.kind})
	}
	s.changed = true
}

// advance applies the events that are due until none is left.
func (s *supervisor) advance() {
	for len(s.touched) > 0 {
		for _, name := range s.takeTouched() {
			if kind, due := s.nextEvent(name); due {
				s.apply(name, event{kind: kind, outage: s.rerunOutage(name)})
			}
		}
	}
	if len(s.terminating) > 0 {
		begin := s.system.HoldSignals()
		for _, terminate := range s.terminating {
			terminate()
		}
		begin()
		s.terminating = nil
	}
}

// notifyIdle reports when only a change of watched files can start anything.
func (s *supervisor) notifyIdle() {
	before := s.idle
	s.idle = false
	if !s.quiescent() {
		return
	}
	rerunnable := s.rerunnable()
	if s.idle = len(rerunnable) > 0; s.idle && !before {
		s.options.Notify(Idle{rerunnable})
	}
}

// close stops all services.
func (s *supervisor) close(reason Stopping) {
	if !s.closing {
		s.startClosing()
		s.options.Notify(reason)
	}
}

func (s *supervisor) killAll() {
	for _, name := range s.names {
		if sv := s.services[name]; sv.phase.live() || sv.build.live() {
			s.apply(name, event{kind: evKill})
		}
	}
}

// deliver applies a message to its service.
func (s *supervisor) deliver(m message) {
	if m.service == "" {
		s.options.Notify(m.notice)
		return
	}
	if m.follower != nil {
		s.deliverShared(m)
		return
	}
	sv, known := s.services[m.service]
	if known && m.buildCount > 0 {
		s.deliverToBuild(sv, m)
		return
	}
	if !known || sv.generation != m.generation {
		return // from an earlier process
	}
	if l, ok := m.notice.(Listening); ok {
		s.reportListening(sv, l)
		return
	}
	if m.notice != nil {
		s.reportNotReady(sv, m.notice)
		return
	}
	if m.event.kind == evReadyTimeout && guessed(sv.procSpec.Ready) && len(s.waitingFor(m.service)) == 0 {
		return // nothing waits for it, so it may take as long as it likes
	}
	if m.event.kind.isEnd() {
		m.event.needed = s.hasDependents(m.service)
		m.event.outage = s.dependencyOutage(m.service, time.Now())
	}
	if m.event.kind == evStarted {
		s.watchProcess(sv, m)
	}
	s.apply(m.service, m.event)
}

// watchProcess registers a process that was spawned, and waits for it to become
// ready.
func (s *supervisor) watchProcess(sv service, m message) {
	a := s.processes[m.service]
	a.child = m.child
	checked := sv.procSpec.Ready.Kind != procfile.None
	if checked {
		a.stopWatch = s.watchReadiness(m.alive, sv, m.child)
	} else if sv.procSpec.Port > 0 {
		a.stopWatch = s.watchListening(m.alive, sv, m.child)
	}
	s.options.Notify(Started{m.service, m.child.PID(), sv.procSpec.Port, checked})
	s.attachProcess(m.service, m.child)
	m.child.Show()
}

// apply moves a service to its next state, reports the change and carries out
// the actions.
func (s *supervisor) apply(name string, e event) {
	before := s.services[name]
	after, actions := before.next(time.Now(), e)
	s.set(name, after)
	s.changed = true
	if after.ready && !before.ready && after.phase == running && e.kind == evReady {
		s.options.Notify(Ready{name, after.procSpec.Port, after.readyAfter, after.spec.Address})
	}
	if before.phase.live() && !after.phase.live() {
		s.notifyEnded(name, e.kind)
	}
	s.notifyBuildEnded(name, before, after, e.kind)
	if over := after.phase == ended || after.phase == removed; over || before.phase.live() && !after.phase.live() {
		s.detachProcess(name, over)
	}
	if e.kind == evRerun {
		if on := s.blocker(name); on != "" {
			s.options.Notify(DependencyFailed{name, on})
		}
	}
	for _, a := range actions {
		s.do(name, a)
	}
	if !after.phase.live() && after.userStopped || after.phase == removed {
		s.leaveShared(name)
	}
	if after.phase == removed {
		s.removedDowntime[name] = after.downtime
		s.remove(name)
		delete(s.processes, name)
		delete(s.builds, name)
	}
}

func (s *supervisor) do(name string, a action) {
	sv := s.services[name]
	if sv.procSpec.Shared {
		switch a {
		case spawn:
			s.followShared(name)
			return
		case terminate, kill:
			s.leaveShared(name)
			return
		}
	}
	switch a {
	case spawn:
		s.rollout.started = s.rollout.started || sv.retries == 0 && sv.procSpec.Setup == nil
		stopped, cancel := context.WithCancel(context.Background())
		s.processes[name] = &latestProcess{endRequested: cancel, stopWatch: func() {}, stopDrain: func() {}}
		size := s.terminalSize(name)
		if sv.procSpec.Setup != nil {
			s.startStep(stopped, sv, size)
			return
		}
		s.spawners.do(func() { s.spawn(stopped, sv.procSpec, size, sv.generation, nil) })
	case cancelStart:
		s.processes[name].endRequested()
	case drain:
		s.drain(name, sv.generation)
	case terminate:
		s.processes[name].stopDrain()
		s.processes[name].endRequested()
		p := s.processes[name].child
		s.terminating = append(s.terminating, func() { p.Terminate(sv.procSpec.StopSignal, sv.procSpec.StopTimeout) })
	case kill:
		s.processes[name].stopDrain()
		s.processes[name].endRequested()
		s.options.Notify(Killing{name, s.processes[name].child.PID()})
		s.processes[name].child.Kill()
	case startBuild:
		s.startBuild(name)
	case terminateBuild:
		if p := s.builds[name].child; p != nil {
			s.terminating = append(s.terminating, func() { p.Terminate("TERM", buildGrace) })
		}
	case killBuild:
		if p := s.builds[name].child; p != nil {
			p.Kill()
		}
	}
}

// notifyEnded reports that a service has no process any more.
func (s *supervisor) notifyEnded(name string, cause eventKind) {
	sv, a := s.services[name], s.processes[name]
	a.endRequested()
	a.stopWatch()
	a.stopDrain()
	again := s.rerunOutage(name) != Outage{}
	switch {
	case cause == evUpToDate:
		s.options.Notify(UpToDate{name})
	case cause == evSpawnFailed && !(sv.exit.Requested && sv.procSpec.Setup != nil):
		s.options.Notify(NotStarted{name, *sv.exit, sv.delay})
	case cause == evTimeout && a.child != nil: // not of a shared service
		s.options.Notify(Unkillable{name, a.child.PID(), a.child.Survivors()})
	default:
		s.options.Notify(Ended{name, *sv.exit, sv.delay, sv.orphans, sv.outage, again, s.ranElsewhere(name)})
	}
	s.propagateEnd(name)
}

// propagateEnd handles what the end of a process, or a failed build, means for
// other services.
func (s *supervisor) propagateEnd(name string) {
	sv := s.services[name]
	again := s.rerunOutage(name) != Outage{}
	if sv.phase == ended && !sv.available() && !sv.exit.Requested && !again && !s.closing && !s.finished() {
		for _, other := range s.waitingFor(name) {
			s.options.Notify(DependencyFailed{other, name})
		}
	}
	completed := sv.procSpec.Setup != nil && !sv.exit.Failed()
	if s.stopOnExit && !completed && !sv.exit.Requested && !s.closing && sv.phase != backoff {
		s.stopCause = &ExitError{name, sv.exit.Status}
		s.close(Stopping{Service: name})
	}
}

// unlessClosing returns c, or nil, which blocks forever, while all services are
// being stopped.
func (s *supervisor) unlessClosing(c <-chan struct{}) <-chan struct{} {
	if s.closing {
		return nil
	}
	return c
}
