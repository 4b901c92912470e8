package launcher

// phase is where a service stands.
type phase int

const (
	waiting  phase = iota // for the services that it depends on
	starting              // a process is being made; it has no pid yet
	running               // its process lives
	pausing               // it has ended and will be started again, after a pause
	stopping              // asked to end, its grace period runs; or ended but for its children
	killing               // sent KILL
	ended                 // nothing of it is left
	removed               // ended, and to be forgotten
)

var phaseNames = [...]string{"waiting", "starting", "running", "pausing", "stopping", "killing", "ended", "removed"}

func (p phase) String() string { return phaseNames[p] }

// live reports whether there is, or is about to be, a process.
func (p phase) live() bool { return p >= starting && p <= killing && p != pausing }

// event is what can happen to a service: to its process, or by somebody's wish.
type event int

const (
	evStart   event = iota // its turn has come
	evStarted              // the process is made
	evFailed               // the process could not be made
	evExited               // the process has ended, others of its group have not
	evGone                 // nobody of its group is left
	evTimeout              // the time that the phase may take is over
	evReady                // its check has passed
	evUnready              // its check has not passed in time
	evStop                 // wish: end it
	evKill                 // wish: end it at once
	evRestart              // wish: end it and start it anew
	evRemove               // wish: end it and forget it
)

var eventNames = [...]string{"start", "started", "failed", "exited", "gone", "timeout", "ready", "unready", "stop", "kill", "restart", "remove"}

func (e event) String() string { return eventNames[e] }

// action is what a transition asks the supervisor to do.
type action int

const (
	spawn     action = iota // make the process
	terminate               // send the stop signal to the group
	kill                    // send KILL to the group
	allow                   // let a timeout follow after the grace period
	allowKill               // let a timeout follow after the time that KILL may take
	pause                   // let a timeout follow after the pause
)

var actionNames = [...]string{"spawn", "terminate", "kill", "allow", "allowKill", "pause"}

func (a action) String() string { return actionNames[a] }

// wish is what was last asked of a service while it had a process.
type wish int

const (
	none    wish = iota
	rest         // end
	again        // end, then start anew
	vanish       // end, then be forgotten
	restNow      // end at once
)

// service is the state of one service. It is a value: next gives its successor.
type service struct {
	phase phase
	wish  wish
	ready bool // its check has passed since it was last started
	retry bool // should it end by itself, it is to be started again: set from outside, when it does
	lost  bool // it did not end when killed; what is left of it is not ours to end
}

// next is the whole life of a service: what an event makes of it, and what is
// to be done about that. An event that means nothing in a phase, such as a
// timer that comes late, changes nothing.
func (s service) next(e event) (service, []action) {
	switch e {
	case evStop:
		return s.asked(rest)
	case evKill:
		return s.asked(restNow)
	case evRestart:
		return s.asked(again)
	case evRemove:
		return s.asked(vanish)
	}
	switch s.phase {
	case waiting, ended:
		if e == evStart {
			return service{phase: starting}, []action{spawn}
		}
	case pausing:
		if e == evTimeout {
			return service{phase: starting}, []action{spawn}
		}
	case starting:
		switch e {
		case evStarted:
			switch s.wish {
			case none:
				s.phase = running
				return s, nil
			case restNow:
				return s.kill()
			}
			return s.terminate()
		case evFailed:
			return s.end()
		}
	case running:
		switch e {
		case evReady:
			s.ready = true
		case evExited, evUnready:
			return s.terminate() // its children have no reason to stay
		case evGone:
			return s.end()
		}
	case stopping:
		switch e {
		case evTimeout:
			return s.kill()
		case evGone:
			return s.end()
		}
	case killing:
		switch e {
		case evTimeout:
			s.lost = true
			return s.end()
		case evGone:
			return s.end()
		}
	}
	return s, nil
}

// asked is what a wish makes of a service.
func (s service) asked(w wish) (service, []action) {
	switch s.phase {
	case waiting, pausing, ended:
		s.wish, s.retry = w, false
		return s.end()
	case starting:
		s.wish = w // until there is a process
	case running:
		s.wish = w
		if w == restNow {
			return s.kill()
		}
		return s.terminate()
	case stopping:
		s.wish = w
		if w == restNow {
			return s.kill()
		}
	case killing:
		s.wish = w
	}
	return s, nil
}

func (s service) terminate() (service, []action) {
	s.phase = stopping
	return s, []action{terminate, allow}
}

func (s service) kill() (service, []action) {
	s.phase = killing
	return s, []action{kill, allowKill}
}

// end is where a service goes when it has no process any more.
func (s service) end() (service, []action) {
	switch {
	case s.wish == again:
		return service{phase: waiting}, nil
	case s.wish == vanish:
		s.phase = removed
	case s.wish == none && s.retry && !s.lost:
		s.phase = pausing
		return s, []action{pause}
	default:
		s.phase = ended
	}
	return s, nil
}
