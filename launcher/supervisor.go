package launcher

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

const (
	// spawnLimit is how many processes are made at a time. Making one is mostly
	// waiting for the kernel; more than a few contend for Go's fork lock.
	spawnLimit = 4

	// killTimeout is how long a killed process group may take to vanish.
	killTimeout = 2 * time.Second

	// settling is how long nothing may have been started before the memory that
	// starting takes is given back.
	settling = time.Second

	// A service that ends by itself is started again after a pause that doubles
	// each time, until it has lived for a while.
	minPause, maxPause = time.Second, 30 * time.Second
	health             = 10 * time.Second
)

// supervisor owns every service. Only the goroutine of [Run] touches it; the
// goroutines of processes and timers send it messages.
type supervisor struct {
	options  Options
	plan     procfile.Plan // the one that is followed; no services: the first is still to come
	services map[string]*managed
	names    []string // of services, sorted
	messages chan message
	done     chan struct{} // closed when nobody receives messages any more
	spawning chan struct{} // holds a value for each process that is being made
	family   *family

	settle *time.Timer // gives memory back when it ends

	requests <-chan func(*supervisor) // from Steering
	waiters  []*waiter

	changed  bool // services have another Status than those who follow know
	closing  bool // all services are to end
	failures int  // how many services have failed so far
	first    *Exit

	interrupts interrupts
	asked      bool // to end, by a signal or by Down: that is no failure
}

// managed is a service with what is needed to run it.
type managed struct {
	service
	spec    procfile.Process // what its next process is made from
	made    procfile.Process // what the latest was made from
	process *process         // the latest
	spawned int              // how many there have been: the messages of earlier ones are late
	timer   *time.Timer
	exit    *Exit // how that ended, once it has
	failure int   // when it failed, as a place in the order of failures; 0: not

	began   time.Time     // when the latest process had been made
	took    time.Duration // how long after that its check had passed
	unwatch func()        // ends the watch over its readiness
	ask     func()        // says that devports is ending the latest process
	left    []Left        // what that had left when it ended by itself
	retries int           // in a row
	delay   time.Duration
	held    bool // stopped by its user, until that starts it
}

// message tells what happened to the spawned-th process of a service, or,
// without one, that there is no guard.
type message struct {
	service string
	spawned int
	event   event
	process *process        // of evStarted
	lives   context.Context // of evStarted: until the process itself has ended
	exit    Exit            // of evFailed, evExited, evGone and evUnready
	left    []Left          // of evExited with status 0: what the process has left behind
	serving bool            // one of those listens on the service's port
	news    Event           // instead of an event: what is to be told
}

func (s *supervisor) post(m message) {
	select {
	case s.messages <- m:
	case <-s.done:
	}
}

// receive waits for one thing to happen and deals with it.
func (s *supervisor) receive() {
	select {
	case m := <-s.messages:
		s.deliver(m)
	case plan := <-s.options.Plans:
		if !s.closing {
			s.follow(plan)
		}
	case sig := <-s.options.Signals:
		s.interrupt(sig)
	case do := <-s.requests:
		do(s)
	case <-s.options.Resized:
		s.resize()
	case <-s.outputFailed():
		s.close(Stopping{Reason: "nobody reads the output any more"})
	}
}

// interrupt is told of a signal.
func (s *supervisor) interrupt(sig os.Signal) {
	var v verdict
	s.interrupts, v = s.interrupts.next(time.Now())
	if v == verdictStop && s.asked {
		v = verdictKill // devports down has asked before
	}
	s.asked = true
	switch v {
	case verdictStop:
		s.close(Stopping{Reason: sig.String()})
	case verdictKill:
		s.closing = true
		s.all(evKill)
	}
}

// room is the size of a service's terminal, if it has one.
func (s *supervisor) room(service string) *terminal.Size {
	if s.options.Size == nil {
		return nil
	}
	size := s.options.Size(service)
	return &size
}

// resize tells all services how much room there is now.
func (s *supervisor) resize() {
	for name, sv := range s.services {
		if size := s.room(name); sv.phase.live() && sv.process != nil && size != nil {
			sv.process.resize(*size)
		}
	}
}

// outputFailed is nil, which blocks for ever, once its news is known.
func (s *supervisor) outputFailed() <-chan struct{} {
	if s.closing {
		return nil
	}
	return s.options.Output.Failed()
}

// close ends all services.
func (s *supervisor) close(why Stopping) {
	if !s.closing {
		s.closing = true
		s.options.Notify(why)
	}
}

// deliver hands a message to its service.
func (s *supervisor) deliver(m message) {
	if m.service == "" {
		s.options.Notify(m.news)
		return
	}
	sv := s.services[m.service]
	if sv == nil || sv.spawned != m.spawned {
		return // of a process that is history
	}
	if m.news != nil {
		s.tellNews(sv, m.news)
		return
	}
	if (m.event == evReady || m.event == evUnready) && sv.phase != running {
		return // it is being ended, whatever its check says
	}
	switch m.event {
	case evStarted:
		s.started(sv, m)
	case evReady:
		sv.took = time.Since(sv.began)
		s.options.Notify(Ready{m.service, sv.made.Port, sv.took})
	case evExited, evGone, evFailed, evUnready:
		if sv.exit == nil {
			m.exit.Asked = sv.wish != none
			exit := ending{sv.made, m.exit, sv.ready, s.depended(m.service), m.left, m.serving}.judged()
			sv.exit, sv.left = &exit, m.left
			if exit != m.exit {
				sv.ready = false
			}
		}
		sv.retry = retries(sv.spec.Restart, *sv.exit)
	}
	s.apply(m.service, m.event)
	if m.event == evStarted && sv.made.Ready.How == procfile.None {
		s.apply(m.service, evReady)
	}
}

// started is told that the latest process of a service has been made.
func (s *supervisor) started(sv *managed, m message) {
	s.settle.Reset(settling)
	sv.process, sv.began = m.process, time.Now()
	checked := sv.made.Ready.How != procfile.None
	if checked {
		sv.unwatch = s.watchReadiness(m.lives, sv)
	}
	s.options.Notify(Started{m.service, m.process.pid, sv.made.Port, checked})
	sv.process.show()
}

// apply takes a service to its next state and does what that asks for.
func (s *supervisor) apply(name string, e event) {
	sv := s.services[name]
	before := sv.service
	after, actions := before.next(e)
	sv.service = after
	s.changed = true
	if e == evRestart {
		sv.retries = 0
	}
	if before.phase.live() && !after.phase.live() {
		s.noteEnd(name, sv, e)
	}
	for _, a := range actions {
		s.do(name, sv, a)
	}
	if after.phase == removed {
		delete(s.services, name)
		s.sortNames()
	}
}

func (s *supervisor) do(name string, sv *managed, a action) {
	switch a {
	case spawn:
		sv.spawned++
		sv.exit, sv.failure, sv.process, sv.began, sv.took = nil, 0, nil, time.Time{}, 0
		sv.made, sv.left = sv.spec, nil
		var asked context.Context
		asked, sv.ask = context.WithCancel(context.Background())
		go s.spawn(asked, sv.spec, sv.spawned)
	case terminate:
		sv.ask()
		sv.process.terminate(sv.made.StopSignal, sv.made.StopTimeout)
	case kill:
		sv.ask()
		s.options.Notify(Killing{name, sv.process.pid})
		sv.process.kill()
	case allow:
		s.timeout(name, sv, sv.made.StopTimeout)
	case allowKill:
		s.timeout(name, sv, killTimeout)
	case pause:
		s.timeout(name, sv, sv.delay)
	}
}

// timeout sends a timeout after d, unless another takes its place.
func (s *supervisor) timeout(name string, sv *managed, d time.Duration) {
	sv.stopTimer()
	late := message{service: name, spawned: sv.spawned, event: evTimeout}
	sv.timer = time.AfterFunc(d, func() { s.post(late) })
}

func (sv *managed) stopTimer() {
	if sv.timer != nil {
		sv.timer.Stop()
	}
}

// spawn makes a process and tells what becomes of it. asked ends when devports
// ends the process.
func (s *supervisor) spawn(asked context.Context, spec procfile.Process, spawned int) {
	tell := func(m message) {
		m.service, m.spawned = spec.Service, spawned
		s.post(m)
	}
	s.spawning <- struct{}{}
	exit := taken(spec)
	var p *process
	if exit.Err == nil {
		p, exit = start(spec, s.options.Output, s.family, s.room(spec.Service))
	}
	<-s.spawning
	if p == nil {
		tell(message{event: evFailed, exit: exit})
		return
	}
	lives, ended := context.WithCancel(context.Background())
	defer ended()
	tell(message{event: evStarted, process: p, lives: lives})
	p.follow(s.done, func(e event, exit Exit) {
		ended()
		m := message{event: e, exit: exit}
		if e == evExited && exit == (Exit{}) {
			m.left, m.serving = s.leftBehind(asked, p, spec.Port)
		}
		tell(m)
	})
}

// noteEnd notes that a service has no process any more.
func (s *supervisor) noteEnd(name string, sv *managed, e event) {
	sv.stopTimer()
	sv.ask()
	if sv.unwatch != nil {
		sv.unwatch()
	}
	if sv.exit == nil { // it did not even end when killed
		sv.exit = &Exit{Status: 128 + 9, Signal: "KILL", Asked: sv.wish != none}
	}
	sv.delay = 0
	if sv.phase == pausing {
		if !sv.began.IsZero() && time.Since(sv.began) >= health {
			sv.retries = 0
		}
		sv.delay = min(minPause<<min(sv.retries, 10), maxPause)
		sv.retries++
	}
	switch e {
	case evFailed:
		s.options.Notify(NotStarted{name, *sv.exit, sv.delay})
	case evTimeout:
		s.options.Notify(Unkillable{name, sv.process.pid, sv.process.survivors()})
	default:
		s.options.Notify(Ended{name, *sv.exit, sv.delay, sv.left})
	}
	if sv.made.Ready.How == procfile.Done && sv.exit.Status == 0 && !sv.exit.Asked {
		sv.ready = true // it has done its work
	}
	if sv.phase == ended && !sv.ready && !s.closing && !s.finished() {
		for _, other := range s.waitingFor(name) {
			s.options.Notify(DependencyFailed{other, name})
		}
	}
	if sv.exit.Failed() {
		s.failures++
		sv.failure = s.failures
	}
	if (s.options.StopOnExit || s.plan.StopOnExit) && !sv.exit.Asked && !s.closing && sv.phase != pausing {
		s.first = sv.exit
		s.close(Stopping{Service: name})
	}
}

// all delivers an event to every service that has a process.
func (s *supervisor) all(e event) {
	for _, name := range s.names {
		if s.services[name].phase.live() {
			s.apply(name, e)
		}
	}
}

// sortNames has names follow services. It makes a new list: somebody may be
// going through the old one.
func (s *supervisor) sortNames() {
	s.names = slices.Sorted(maps.Keys(s.services))
	s.changed = true
}

// finished reports whether no process is left and none will be started.
func (s *supervisor) finished() bool {
	for _, sv := range s.services {
		if sv.phase.live() || sv.phase == pausing || sv.held && !s.closing {
			return false
		}
	}
	return true // what still waits does so for what failed to start
}

// reportBlocked tells of the services that never had their turn.
func (s *supervisor) reportBlocked() {
	if s.closing {
		return
	}
	for _, name := range s.names {
		if sv := s.services[name]; sv.phase == waiting {
			s.options.Notify(Blocked{name, s.missing(sv)})
		}
	}
}

func (s *supervisor) status() int {
	if s.first != nil {
		return s.first.Status
	}
	if s.asked || s.closing {
		return 0
	}
	status, earliest := 0, 0
	for _, sv := range s.services {
		if sv.failure > 0 && (earliest == 0 || sv.failure < earliest) {
			status, earliest = sv.exit.Status, sv.failure
		}
	}
	for _, sv := range s.services {
		if sv.phase == waiting && status == 0 {
			status = 1 // what it depends on has ended without a failure, but was not ready
		}
	}
	return status
}
