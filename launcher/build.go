package launcher

import (
	"time"

	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
)

// buildGrace is how long a cancelled build, or what a build left in the
// background, has to end before it is killed.
const buildGrace = 2 * time.Second

// buildPhase is the state of a service's build.
type buildPhase int

const (
	unbuilt       buildPhase = iota // no build has succeeded since the latest change
	building                        // a build runs
	buildStopping                   // a cancelled build is ending
	buildFailed                     // the latest build has failed, and no file has changed since
	built                           // the latest build has succeeded, and no file has changed since
)

var buildPhaseNames = [...]string{"unbuilt", "building", "stopping", "failed", "built"}

func (p buildPhase) String() string { return buildPhaseNames[p] }

// build is the state of a service's build, which runs beside the service's
// process. It is a value: the methods return its successor and the actions to
// carry out.
//
// A change makes it unbuilt; a build that started after the change makes it
// built. A process starts only when its service is built. A service without a
// build has the zero build.
type build struct {
	phase    buildPhase
	count    int       // counts the builds of the service
	deadline time.Time // when the build that is ending is killed or, once killed, given up; zero: no build is ending
	killed   bool      // the build that is ending was sent SIGKILL
	exit     *Exit     // of the latest build; nil before it has ended
}

// live reports whether the build has a process, or is about to have one.
func (b build) live() bool { return b.phase == building || b.phase == buildStopping }

// request requests a build that starts after this moment.
func (b build) request(now time.Time) (build, []action) {
	if b.live() {
		return b.cancel(now) // which makes it unbuilt
	}
	b.phase = unbuilt
	return b, nil
}

// cancel stops a running build and makes the service unbuilt.
func (b build) cancel(now time.Time) (build, []action) {
	switch b.phase {
	case building:
		b.phase = buildStopping
		if !b.deadline.IsZero() { // its process has ended, and its children are ending
			return b, nil
		}
		b.deadline = now.Add(buildGrace)
		return b, []action{terminateBuild}
	case buildFailed, built:
		b.phase = unbuilt
	}
	return b, nil
}

// kill is cancel with SIGKILL.
func (b build) kill(now time.Time) (build, []action) {
	if !b.live() {
		b.phase = unbuilt
		return b, nil
	}
	b.phase, b.killed, b.deadline = buildStopping, true, now.Add(system.KillTimeout)
	return b, []action{killBuild}
}

// next is the transition for an event of the build.
func (b build) next(now time.Time, e event) (build, []action) {
	if e.kind == evBuild {
		if b.live() {
			return b, nil
		}
		return build{phase: building, count: b.count + 1}, []action{startBuild}
	}
	if !b.live() {
		return b, nil
	}
	switch e.kind {
	case evBuildStarted:
		switch { // it was cancelled before it was spawned
		case b.killed:
			return b, []action{killBuild}
		case b.phase == buildStopping:
			return b, []action{terminateBuild}
		}
	case evBuildExited:
		b = b.record(e.exit)
		if b.deadline.IsZero() { // and so do its children
			b.deadline = now.Add(buildGrace)
			return b, []action{terminateBuild}
		}
	case evBuildTimeout:
		if !b.killed {
			b.killed, b.deadline = true, now.Add(system.KillTimeout)
			return b, []action{killBuild}
		}
		return b.record(Exit{Status: 128 + 9, Signal: "KILL"}).over(), nil
	case evBuildGone:
		return b.record(e.exit).over(), nil
	}
	return b, nil
}

// record sets the exit of the build. The first cause counts.
func (b build) record(exit Exit) build {
	if b.exit == nil {
		b.exit = &exit
	}
	return b
}

// over returns the state once no process of the build is left.
func (b build) over() build {
	switch {
	case b.phase == buildStopping:
		b.phase = unbuilt
	case b.exit.Status == 0 && b.exit.Err == nil:
		b.phase = built
	default:
		b.phase = buildFailed
	}
	b.deadline, b.killed = time.Time{}, false
	return b
}

// BuildError reports that a service was not started because its build failed.
type BuildError struct{ Exit Exit }

func (e *BuildError) Error() string { return "build failed: " + e.Exit.String() }

// next is the whole state machine of a service and its build: it returns the
// next state, and the actions to carry out. An event that does not apply to the
// current state, such as a late timeout, changes nothing.
func (s service) next(now time.Time, e event) (service, []action) {
	after, actions := s.transition(now, e)
	after.downtime = s.downtime.update(now, s.available(), after.available(), e.kind)
	if reason, ok := e.sharedReason(); ok && s.available() && !after.available() {
		after.downtime.reason = reason
	}
	return after, actions
}

func (s service) transition(now time.Time, e event) (service, []action) {
	var actions []action
	if e.kind == evRenewed {
		if !s.renewable() {
			return s, nil
		}
		s.setup.seen, e.kind = now, evRestart
	}
	switch {
	case e.kind.isBuild():
		before := s.build.phase
		s.build, actions = s.build.next(now, e)
		if s.build.phase == built && before != built && s.phase.live() && s.goal == goalNone {
			s.goal, s.retries = goalRestart, 0
		}
	case e.kind == evRestart && !s.spec.Build.IsZero() && s.phase != removed && !s.isStepAtItsTurn():
		s, actions = s.rebuild(now)
	default:
		var more []action
		switch e.kind {
		case evStop, evRestart, evRemove:
			s.build, more = s.build.cancel(now)
		case evKill:
			s.build, more = s.build.kill(now)
		}
		s, actions = s.nextProcess(now, e)
		actions = append(more, actions...)
	}
	return s.reconcile(now), actions
}

// isStepAtItsTurn reports whether a step begins its turn. An edit may have made a
// service with a build of it meanwhile.
func (s service) isStepAtItsTurn() bool { return s.phase == starting && s.procSpec.Setup != nil }

// rebuild builds a service and then starts or restarts it. A running process
// keeps running until the build has succeeded.
func (s service) rebuild(now time.Time) (service, []action) {
	b, actions := s.build.request(now)
	if s.phase.live() && s.goal == goalNone {
		s.retries = 0
	} else {
		s, _ = s.setGoal(now, goalRestart)
	}
	s.build, s.userStopped = b, false
	return s, actions
}

// mustBuild reports whether the service may start only after a build.
func (s service) mustBuild() bool { return !s.spec.Build.IsZero() && s.build.phase != built }

// rebuilding reports whether a running service will be restarted once its build
// has succeeded.
func (s service) rebuilding() bool {
	return s.phase.live() && s.goal == goalNone && s.mustBuild() && s.build.phase != buildFailed
}

// reconcile updates a service without a process after a change of its build.
func (s service) reconcile(now time.Time) service {
	switch failed := s.mustBuild() && s.build.phase == buildFailed; {
	case s.phase == ended && s.goal == goalRemove && !s.build.live():
		s.phase = removed
	case s.phase == removed && s.build.live():
		s.phase = ended // until the build has ended
	case s.phase == waiting && failed:
		s.phase, s.ready, s.failedAt = ended, false, now
		s.exit = &Exit{Status: max(s.build.exit.Status, 1), Err: &BuildError{*s.build.exit}}
	case s.phase == backoff && failed:
		s.phase, s.deadline, s.delay = ended, time.Time{}, 0
	case (s.phase == ended && s.goal == goalNone || s.phase == backoff) && s.mustBuild() && !failed:
		s.phase, s.deadline, s.delay, s.ready = waiting, time.Time{}, 0, false // a start is due anyway
	}
	return s
}

// buildDue reports whether the build of a service should start now. A build
// does not wait for servers, as it would delay them; it does wait for jobs,
// which may generate its sources. Replicas build one after the other, as they
// may write the same file.
func (m *machine) buildDue(name string) bool {
	s := m.services[name]
	wanted := s.phase == waiting || s.phase.live() && s.goal == goalNone
	if m.closing || !wanted || s.spec.Build.IsZero() || s.build.phase != unbuilt {
		return false
	}
	if len(m.unmetJobs(s)) > 0 {
		return false
	}
	live := m.liveBuilds()
	for _, other := range live {
		if procfile.ReplicaOf(other) == procfile.ReplicaOf(name) {
			return false
		}
	}
	return m.maxBuilds == 0 || len(live) < m.maxBuilds
}

// unmetJobs returns the jobs that have to end before the build of s starts, and
// have not.
func (m *machine) unmetJobs(s service) (names []string) {
	for _, on := range s.spec.DependsOn {
		dependency, ok := m.services[on]
		if ok && dependency.spec.Ready.Kind == procfile.Done && !dependency.available() {
			names = append(names, on)
		}
	}
	return names
}

// buildBlocker returns the service that has ended, will not start on its own,
// and so keeps the build of s waiting; "" if the build will start eventually.
func (m *machine) buildBlocker(s service) string {
	if s.build.phase != unbuilt {
		return ""
	}
	return m.blockerAmong(m.unmetJobs(s))
}

// liveBuilds returns the services whose builds are live.
func (m *machine) liveBuilds() []string {
	if m.cache.liveBuilds == nil {
		m.cache.liveBuilds = []string{}
		for name, s := range m.services {
			if s.build.live() {
				m.cache.liveBuilds = append(m.cache.liveBuilds, name)
			}
		}
	}
	return m.cache.liveBuilds
}
