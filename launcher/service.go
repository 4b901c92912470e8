package launcher

import (
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/procfile"
)

const (

	// A service that ends by itself is started again after a pause that doubles
	// each time, until it has lived for a while.
	minBackoff, maxBackoff = time.Second, 30 * time.Second
	health                 = 10 * time.Second

	// trialTime is how long a process without a check has to live before others
	// than its dependents may rely on it.
	trialTime = time.Second
)

// service is the state of one service. It is a value: next gives its successor.
type service struct {
	spec procfile.Process // what its next process is made from
	made procfile.Process // what the latest was made from

	phase    phase
	build    build
	goal     goal
	held     bool      // its user has stopped it, and not started it again
	deadline time.Time // when evTimeout is due; of one that runs, the end of its trial; zero: never

	away  outage // when others could not rely on it, latest
	rerun bool   // it was run again after an end of what it depends on; see machine.again

	// Of the latest process.
	ordered time.Time     // just before it was made: what changed before, it has read as it is
	during  Outage        // of what it depends on, while it ended by itself
	began   time.Time     // when it had been made
	ready   bool          // its check has passed; of work (procfile.Done): it is done
	took    time.Duration // how long after it began its check had passed
	exit    *Exit         // how it has ended; nil: not yet
	left    []Orphan      // what it had left when it ended by itself
	failed  time.Time     // when it ended, if that was a failure
	lost    bool          // it did not end when killed; what is left of it is not ours to end

	spawned int           // how many processes there have been
	retries int           // restarts in a row without one that its user asked for, or health
	delay   time.Duration // how long the backoff takes
}

// nextOfProcess is what an event that is none of the build makes of a service.
func (s service) nextOfProcess(now time.Time, e event) (service, []action) {
	switch e.kind {
	case evStop:
		return s.asked(now, goalStop)
	case evKill:
		return s.asked(now, goalKill)
	case evRestart:
		return s.asked(now, goalRestart)
	case evRemove:
		return s.asked(now, goalRemove)
	}
	switch s.phase {
	case waiting, ended:
		switch {
		case e.kind == evStart:
			return s.start(now)
		case e.kind == evAgain && s.phase == ended && !s.held:
			s.phase, s.ready, s.during = waiting, false, e.outage
			s.rerun = s.rerun || e.outage.Reason == OutageEnd
		}
	case backoff:
		if e.kind == evTimeout { // what it depends on may have gone meanwhile
			s.phase, s.deadline, s.delay = waiting, time.Time{}, 0
			s.ready = false
		}
	case starting:
		switch e.kind {
		case evStarted:
			s.phase, s.began = running, now
			if s.made.Ready.Kind == procfile.None {
				s.ready, s.deadline = true, now.Add(trialTime)
			}
			if s.goal == goalKill {
				return s.kill(now)
			}
		case evFailed:
			return s.record(e).over(now), nil
		}
	case running:
		switch e.kind {
		case evReady:
			if !s.ready && s.goal == goalNone {
				s.ready, s.took = true, now.Sub(s.began)
			}
		case evYield:
			if s.goal == goalNone {
				s.goal = goalRestart
			}
		case evEnd:
			if s.goal != goalNone {
				return s.terminate(now)
			}
		case evExited:
			return s.record(e).terminate(now) // its children have no reason to stay
		case evUnready:
			if !s.ready && s.goal == goalNone {
				return s.record(e).terminate(now)
			}
		case evTimeout:
			s.deadline = time.Time{}
		case evGone:
			return s.record(e).over(now), nil
		}
	case stopping:
		switch e.kind {
		case evExited:
			return s.record(e), nil
		case evTimeout:
			return s.kill(now)
		case evGone:
			return s.record(e).over(now), nil
		}
	case killing:
		switch e.kind {
		case evExited:
			return s.record(e), nil
		case evTimeout:
			s.lost = true
			return s.over(now), nil
		case evGone:
			return s.record(e).over(now), nil
		}
	}
	return s, nil
}

// asked is what becomes of a service of which something is asked. One that runs
// goes on until evEnd: what depends on it and is to end as well comes first.
func (s service) asked(now time.Time, g goal) (service, []action) {
	if s.phase == removed {
		return s, nil
	}
	s.goal, s.held = g, g == goalStop || g == goalKill
	if g == goalRestart {
		s.retries, s.rerun = 0, false
	}
	switch s.phase {
	case waiting, backoff, ended:
		return s.withoutProcess(), nil
	case running, stopping:
		if g == goalKill {
			return s.kill(now)
		}
	}
	return s, nil
}

// start takes a service to a new process.
func (s service) start(now time.Time) (service, []action) {
	return service{
		spec: s.spec, made: s.spec, phase: starting, build: s.build, ordered: now,
		spawned: s.spawned + 1, retries: s.retries, rerun: s.rerun,
	}, []action{spawn}
}

func (s service) terminate(now time.Time) (service, []action) {
	s.phase, s.deadline = stopping, now.Add(s.made.StopTimeout)
	return s, []action{terminate}
}

func (s service) kill(now time.Time) (service, []action) {
	s.phase, s.deadline = killing, now.Add(system.KillTimeout)
	return s, []action{kill}
}

// record notes how the process has ended; what comes first counts.
func (s service) record(e event) service {
	if s.exit != nil {
		return s
	}
	exit := e.exit
	exit.Asked = s.goal != goalNone
	judged := ending{s.made, exit, s.ready, e.needed, e.left, e.serving}.judged()
	if judged.Status != exit.Status {
		s.ready = false
	}
	s.exit, s.left = &judged, e.left
	if judged.Failed() {
		s.during = e.outage
	}
	return s
}

// over is where a service goes whose process is no more.
func (s service) over(now time.Time) service {
	if s.exit == nil { // it did not even end when killed
		s.exit = &Exit{Status: 128 + 9, Signal: "KILL", Asked: s.goal != goalNone}
	}
	if s.exit.Failed() {
		s.failed = now
	}
	if s.made.Ready.Kind == procfile.Done && s.exit.Status == 0 && !s.exit.Asked {
		s.ready, s.rerun = true, false
	}
	if s.goal == goalNone && !s.lost && retries(s.spec.Restart, *s.exit) {
		return s.backOff(now)
	}
	return s.withoutProcess()
}

// backOff takes a service to the pause before it is started again.
func (s service) backOff(now time.Time) service {
	if !s.began.IsZero() && now.Sub(s.began) >= health {
		s.retries = 0
	}
	s.delay = min(minBackoff<<min(s.retries, 10), maxBackoff)
	s.retries++
	s.phase, s.deadline = backoff, now.Add(s.delay)
	return s
}

// withoutProcess is where a service without a process goes by its goal.
func (s service) withoutProcess() service {
	s.deadline, s.delay = time.Time{}, 0
	switch s.goal {
	case goalRestart:
		s.phase, s.goal, s.ready = waiting, goalNone, false
	case goalRemove:
		s.phase = removed
	default:
		s.phase = ended
	}
	return s
}

// retries reports whether a process that ended like that is started again.
func retries(r procfile.Restart, exit Exit) bool {
	return r == procfile.RestartAlways || r == procfile.RestartOnFailure && exit.Status != 0
}

// leaving reports whether a service has a process that is to end.
func (s service) leaving() bool {
	return s.phase.live() && (s.goal != goalNone || s.phase == stopping || s.phase == killing)
}

// available reports whether those that depend on the service may start: it
// runs, its check has passed, and it is not about to end. Only an end that the
// service was made for is as good.
func (s service) available() bool {
	switch s.phase {
	case running:
		return s.ready && s.goal == goalNone
	case ended, backoff:
		how := s.made.Ready.Kind
		return (how == procfile.Done || how == procfile.None) && s.ready && s.exit != nil && s.exit.Status == 0 && !s.exit.Asked
	}
	return false
}
