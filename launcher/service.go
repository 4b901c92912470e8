package launcher

import (
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/procfile"
)

const (

	// A service that ends on its own is restarted after a backoff that doubles
	// each time, until the service has stayed up for healthyAfter.
	minBackoff, maxBackoff = time.Second, 30 * time.Second
	healthyAfter           = 10 * time.Second

	// trialTime is how long a process without a check has to stay alive before
	// anything but its dependents may rely on it.
	trialTime = time.Second
)

// service is the state of one service. It is a value: next returns its
// successor.
type service struct {
	spec     procfile.Process // for the next process
	procSpec procfile.Process // of the latest process

	phase       phase
	build       build
	goal        goal
	userStopped bool      // by a stop or kill, and not started since
	deadline    time.Time // when evTimeout is due; for a running process, the end of its trial; zero: never

	downtime  downtime // the latest time that dependents could not rely on it
	rerunDone bool     // it has been rerun after a dependency ended; see machine.rerunOutage

	// About the latest process.
	spawnedAt  time.Time     // just before it was spawned: it has read every file that changed before
	outage     Outage        // of a dependency, when the process ended on its own
	startedAt  time.Time     // once it was spawned
	ready      bool          // its check has passed; for procfile.Done: it has succeeded
	readyAfter time.Duration // the time from startedAt until its check passed
	exit       *Exit         // nil before it has ended
	orphans    []Orphan      // background processes that it left when it ended on its own
	failedAt   time.Time     // when it ended, if that was a failure
	unkillable bool          // it survived SIGKILL; its processes are given up
	drain      drainPhase    // whether it finishes its requests

	setup setupState

	generation int           // counts the processes of the service
	retries    int           // consecutive restarts, since the last one by a user and the last healthy process
	delay      time.Duration // the length of the backoff
}

// nextProcess is the transition for every event that is not about the build.
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
	case evShareUp, evShareDown, evShareGone:
		return s.nextShared(now, e), nil
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
		if e.kind == evTimeout { // its dependencies may have ended meanwhile
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
		case evUpToDate:
			s.setup.upToDate = true
			return s.record(event{kind: e.kind}).afterExit(now), nil
		}
	case running:
		switch e.kind {
		case evReady:
			if !s.ready && s.goal == goalNone {
				s.ready, s.readyAfter = true, now.Sub(s.startedAt)
			}
		case evStopToBuild:
			if s.goal == goalNone {
				s.goal = goalRestart
			}
		case evDrain:
			if s.goal == goalRestart && s.drain == notDrained {
				s.drain = draining
				return s, []action{drain}
			}
		case evDrained:
			if s.drain == draining {
				s.drain = drained
			}
		case evTerminate:
			if s.goal != goalNone {
				return s.terminate(now)
			}
		case evExited:
			return s.record(e).terminate(now) // and so do its children
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

// setGoal handles a request. A running process keeps running until evTerminate:
// dependents that are to stop as well stop first.
func (s service) setGoal(now time.Time, g goal) (service, []action) {
	if s.phase == removed {
		return s, nil
	}
	s.goal, s.userStopped = g, g == goalStop || g == goalKill
	if g == goalRestart {
		s.retries, s.rerunDone = 0, false
	} else {
		s.drain = notDrained
	}
	switch s.phase {
	case waiting, backoff, ended:
		return s.applyGoal(), nil
	case starting:
		switch {
		case s.procSpec.Setup != nil:
			return s, []action{cancelStart}
		case s.procSpec.Shared: // nothing may be known of it for a while
			return s.terminate(now)
		}
	case running, stopping:
		if g == goalKill {
			return s.kill(now)
		}
	}
	return s, nil
}

// start resets the service for a new process.
func (s service) start(now time.Time) (service, []action) {
	return service{
		spec: s.spec, procSpec: s.spec, phase: starting, build: s.build, spawnedAt: now,
		generation: s.generation + 1, retries: s.retries, rerunDone: s.rerunDone,
		setup: s.setup.start(),
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

// record sets the exit of the process. The first cause counts. A job that is to
// stop or to restart, but succeeds before that reaches it, has succeeded: the
// [Turn] of a step records the same.
func (s service) record(e event) service {
	if s.exit != nil {
		return s
	}
	exit := e.exit
	succeeded := e.own && exit == (Exit{}) && s.procSpec.Ready.Kind == procfile.Done
	exit.Requested = s.goal != goalNone && !succeeded
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

// afterExit returns the state once no process is left.
func (s service) afterExit(now time.Time) service {
	if s.exit == nil { // it survived SIGKILL
		s.exit = &Exit{Status: 128 + 9, Signal: "KILL", Requested: s.goal != goalNone}
	}
	if s.exit.Failed() {
		s.failedAt = now
	}
	if s.procSpec.Ready.Kind == procfile.Done && s.exit.Status == 0 && !s.exit.Requested {
		s.ready, s.rerunDone = true, false
		s.setup = s.setup.succeed(now, s.goal == goalRestart)
	}
	if s.goal == goalNone && !s.unkillable && shouldRestart(s.spec.Restart, *s.exit) {
		return s.backOff(now)
	}
	return s.applyGoal()
}

// backOff starts the backoff before a restart.
func (s service) backOff(now time.Time) service {
	if !s.startedAt.IsZero() && now.Sub(s.startedAt) >= healthyAfter {
		s.retries = 0
	}
	s.delay = min(minBackoff<<min(s.retries, 10), maxBackoff)
	s.retries++
	s.phase, s.deadline = backoff, now.Add(s.delay)
	return s
}

// applyGoal moves a service without a process to where its goal leads.
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

// shouldRestart reports whether the restart policy covers an exit.
func shouldRestart(r procfile.Restart, exit Exit) bool {
	return r == procfile.RestartAlways || r == procfile.RestartOnFailure && exit.Status != 0
}

// stopping reports whether the service has a process that is to end.
func (s service) stopping() bool {
	return s.phase.live() && (s.goal != goalNone || s.phase == stopping || s.phase == killing)
}

// available reports whether dependents of the service may start: it is running,
// has passed its check and is not about to stop. A job, or a service without a
// check, stays available after it has succeeded.
func (s service) available() bool {
	switch s.phase {
	case running:
		return s.ready && s.goal == goalNone
	case ended, backoff:
		check := s.procSpec.Ready.Kind
		return (check == procfile.Done || check == procfile.None) && s.ready && s.exit != nil && s.exit.Status == 0 && !s.exit.Requested
	}
	return false
}
