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
	healthyAfter           = 10 * time.Second

	// trialTime is how long a process without a check has to live before others
	// than its dependents may rely on it.
	trialTime = time.Second
)

// service is the state of one service. It is a value: next gives its successor.
type service struct {
	spec     procfile.Process // what its next process is made from
	procSpec procfile.Process // what the latest was made from

	phase       phase
	build       build
	goal        goal
	userStopped bool      // its user has stopped it, and not started it again
	deadline    time.Time // when evTimeout is due; of one that runs, the end of its trial; zero: never

	downtime  downtime // when others could not rely on it, latest
	rerunDone bool     // it was run again after an end of what it depends on; see machine.again

	// Of the latest process.
	spawnedAt  time.Time     // just before it was made: what changed before, it has read as it is
	outage     Outage        // of what it depends on, while it ended by itself
	startedAt  time.Time     // when it had been made
	ready      bool          // its check has passed; of work (procfile.Done): it is done
	readyAfter time.Duration // how long after it began its check had passed
	exit       *Exit         // how it has ended; nil: not yet
	orphans    []Orphan      // what it had left when it ended by itself
	failedAt   time.Time     // when it ended, if that was a failure
	unkillable bool          // it did not end when killed; what is left of it is not ours to end

	generation int           // how many processes there have been
	retries    int           // restarts in a row without one that its user asked for, or health
	delay      time.Duration // how long the backoff takes
}

// nextOfProcess is what an event that is none of the build makes of a service.
func (s service) nextProcess(now time.Time, e event) (service, []action) {
	switch e.kind {
	case evStop:
		return s.setGoal(now, goalStop)
	case evKill:
		return s.setGoal(now, goalKill)
	case evRestart:
		return s.setGoal(now, goalRestart)
	case evRemove:
		return s.setGoal(now, goalRemove)
	}
	switch s.phase {
	case waiting, ended:
		switch {
		case e.kind == evStart:
			return s.start(now)
		case e.kind == evRerun && s.phase == ended && !s.userStopped:
			s.phase, s.ready, s.outage = waiting, false, e.outage
			s.rerunDone = s.rerunDone || e.outage.Reason == OutageEnd
		}
	case backoff:
		if e.kind == evTimeout { // what it depends on may have gone meanwhile
			s.phase, s.deadline, s.delay = waiting, time.Time{}, 0
			s.ready = false
		}
	case starting:
		switch e.kind {
		case evStarted:
			s.phase, s.startedAt = running, now
			if s.procSpec.Ready.Kind == procfile.None {
				s.ready, s.deadline = true, now.Add(trialTime)
			}
			if s.goal == goalKill {
				return s.kill(now)
			}
		case evSpawnFailed:
			return s.record(e).afterExit(now), nil
		}
	case running:
		switch e.kind {
		case evReady:
			if !s.ready && s.goal == goalNone {
				s.ready, s.readyAfter = true, now.Sub(s.startedAt)
			}
		case evTerminate:
			if s.goal != goalNone {
				return s.terminate(now)
			}
		case evExited:
			return s.record(e).terminate(now) // its children have no reason to stay
		case evReadyTimeout:
			if !s.ready && s.goal == goalNone {
				return s.record(e).terminate(now)
			}
		case evTimeout:
			s.deadline = time.Time{}
		case evGone:
			return s.record(e).afterExit(now), nil
		}
	case stopping:
		switch e.kind {
		case evExited:
			return s.record(e), nil
		case evTimeout:
			return s.kill(now)
		case evGone:
			return s.record(e).afterExit(now), nil
		}
	case killing:
		switch e.kind {
		case evExited:
			return s.record(e), nil
		case evTimeout:
			s.unkillable = true
			return s.afterExit(now), nil
		case evGone:
			return s.record(e).afterExit(now), nil
		}
	}
	return s, nil
}

// asked is what becomes of a service of which something is asked. One that runs
// goes on until evEnd: what depends on it and is to end as well comes first.
func (s service) setGoal(now time.Time, g goal) (service, []action) {
	if s.phase == removed {
		return s, nil
	}
	s.goal, s.userStopped = g, g == goalStop || g == goalKill
	if g == goalRestart {
		s.retries, s.rerunDone = 0, false
	}
	switch s.phase {
	case waiting, backoff, ended:
		return s.applyGoal(), nil
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
		spec: s.spec, procSpec: s.spec, phase: starting, build: s.build, spawnedAt: now,
		generation: s.generation + 1, retries: s.retries, rerunDone: s.rerunDone,
	}, []action{spawn}
}

func (s service) terminate(now time.Time) (service, []action) {
	s.phase, s.deadline = stopping, now.Add(s.procSpec.StopTimeout)
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
	exit.Requested = s.goal != goalNone
	judged := endedProcess{s.procSpec, exit, s.ready, e.needed, e.orphans, e.serving}.effectiveExit()
	if judged.Status != exit.Status {
		s.ready = false
	}
	s.exit, s.orphans = &judged, e.orphans
	if judged.Failed() {
		s.outage = e.outage
	}
	return s
}

// over is where a service goes whose process is no more.
func (s service) afterExit(now time.Time) service {
	if s.exit == nil { // it did not even end when killed
		s.exit = &Exit{Status: 128 + 9, Signal: "KILL", Requested: s.goal != goalNone}
	}
	if s.exit.Failed() {
		s.failedAt = now
	}
	if s.procSpec.Ready.Kind == procfile.Done && s.exit.Status == 0 && !s.exit.Requested {
		s.ready, s.rerunDone = true, false
	}
	if s.goal == goalNone && !s.unkillable && shouldRestart(s.spec.Restart, *s.exit) {
		return s.backOff(now)
	}
	return s.applyGoal()
}

// backOff takes a service to the pause before it is started again.
func (s service) backOff(now time.Time) service {
	if !s.startedAt.IsZero() && now.Sub(s.startedAt) >= healthyAfter {
		s.retries = 0
	}
	s.delay = min(minBackoff<<min(s.retries, 10), maxBackoff)
	s.retries++
	s.phase, s.deadline = backoff, now.Add(s.delay)
	return s
}

// withoutProcess is where a service without a process goes by its goal.
func (s service) applyGoal() service {
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
func shouldRestart(r procfile.Restart, exit Exit) bool {
	return r == procfile.RestartAlways || r == procfile.RestartOnFailure && exit.Status != 0
}

// available reports whether those that depend on the service may start: it
// runs, its check has passed, and it is not about to end. Only an end that the
// service was made for is as good.
func (s service) available() bool {
	switch s.phase {
	case running:
		return s.ready && s.goal == goalNone
	case ended, backoff:
		how := s.procSpec.Ready.Kind
		return (how == procfile.Done || how == procfile.None) && s.ready && s.exit != nil && s.exit.Status == 0 && !s.exit.Requested
	}
	return false
}
