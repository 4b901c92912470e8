package launcher

import (
	"time"

	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
)

// buildGrace is how long a build that is not wanted any more, or what a build
// has left in the background, may take to end before it is killed.
const buildGrace = 2 * time.Second

// buildPhase is where the build of a service stands.
type buildPhase int

const (
	unbuilt       buildPhase = iota // no build has succeeded since the last change
	building                        // a build runs
	buildStopping                   // a build is being ended: what it makes is not wanted
	buildFailed                     // the latest build has failed, and nothing has changed since
	built                           // the latest build has succeeded, and nothing has changed since
)

var buildPhaseNames = [...]string{"unbuilt", "building", "stopping", "failed", "built"}

func (p buildPhase) String() string { return buildPhaseNames[p] }

// build is the state of a service's build, which runs beside its process. It is
// a value: the methods return its successor and what is to be done.
//
// A change makes it unbuilt, a build that began after that built; a process is
// started of what is built only. Of a service without a build it is the zero
// build, and means nothing.
type build struct {
	phase    buildPhase
	count    int       // how many builds there have been
	deadline time.Time // when what is being ended is killed or, killed, is given up; zero: nothing is being ended
	killed   bool      // what is being ended has been sent KILL
	exit     *Exit     // how the latest has ended; nil: not yet
}

// live reports whether there is, or is about to be, a process of a build.
func (b build) live() bool { return b.phase == building || b.phase == buildStopping }

// request asks for a build that begins now, or later.
func (b build) request(now time.Time) (build, []action) {
	if b.live() {
		return b.cancel(now) // and then it is unbuilt
	}
	b.phase = unbuilt
	return b, nil
}

// cancel ends a build that runs. Nothing is built then.
func (b build) cancel(now time.Time) (build, []action) {
	switch b.phase {
	case building:
		b.phase = buildStopping
		if !b.deadline.IsZero() { // it has ended, and what it has left is being ended
			return b, nil
		}
		b.deadline = now.Add(buildGrace)
		return b, []action{terminateBuild}
	case buildFailed, built:
		b.phase = unbuilt
	}
	return b, nil
}

// kill is cancel without grace.
func (b build) kill(now time.Time) (build, []action) {
	if !b.live() {
		b.phase = unbuilt
		return b, nil
	}
	b.phase, b.killed, b.deadline = buildStopping, true, now.Add(system.KillTimeout)
	return b, []action{killBuild}
}

// next is what an event of the build makes of it.
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
		switch { // it was to end before there was anything to end
		case b.killed:
			return b, []action{killBuild}
		case b.phase == buildStopping:
			return b, []action{terminateBuild}
		}
	case evBuildExited:
		b = b.record(e.exit)
		if b.deadline.IsZero() { // its children have no reason to stay
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

// record notes how the build has ended; what comes first counts.
func (b build) record(exit Exit) build {
	if b.exit == nil {
		b.exit = &exit
	}
	return b
}

// over is where a build goes of which nothing is left.
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

// BuildError says that a service has not been started because its build has
// failed.
type BuildError struct{ Exit Exit }

func (e *BuildError) Error() string { return "build failed: " + e.Exit.String() }

// next is the whole life of a service and of its build: what an event makes of
// them, and what is to be done about that. An event that means nothing where
// they stand, such as a timeout that comes late, changes nothing.
func (s service) next(now time.Time, e event) (service, []action) {
	after, actions := s.withBuild(now, e)
	after.away = s.away.update(now, s.available(), after.available(), e.kind)
	return after, actions
}

func (s service) withBuild(now time.Time, e event) (service, []action) {
	var actions []action
	switch {
	case e.kind.ofBuild():
		before := s.build.phase
		s.build, actions = s.build.next(now, e)
		if s.build.phase == built && before != built && s.phase.live() && s.goal == goalNone {
			s.goal, s.retries = goalRestart, 0
		}
	case e.kind == evRestart && !s.spec.Build.IsZero() && s.phase != removed:
		s, actions = s.rebuild(now)
	default:
		var more []action
		switch e.kind {
		case evStop, evRestart, evRemove:
			s.build, more = s.build.cancel(now)
		case evKill:
			s.build, more = s.build.kill(now)
		}
		s, actions = s.nextOfProcess(now, e)
		actions = append(more, actions...)
	}
	return s.reconcile(now), actions
}

// rebuild has a service built and then started, again where it has a process. One
// that goes on as it is keeps that until the build has succeeded.
func (s service) rebuild(now time.Time) (service, []action) {
	b, actions := s.build.request(now)
	if s.phase.live() && s.goal == goalNone {
		s.retries = 0
	} else {
		s, _ = s.asked(now, goalRestart)
	}
	s.build, s.held = b, false
	return s, actions
}

// mustBuild reports whether a build has to succeed before the service may be
// started.
func (s service) mustBuild() bool { return !s.spec.Build.IsZero() && s.build.phase != built }

// rebuilding reports whether a service goes on until a build has succeeded, and is
// then restarted.
func (s service) rebuilding() bool {
	return s.phase.live() && s.goal == goalNone && s.mustBuild() && s.build.phase != buildFailed
}

// reconcile is what the state of the build means for a service without a process.
func (s service) reconcile(now time.Time) service {
	switch failed := s.mustBuild() && s.build.phase == buildFailed; {
	case s.phase == ended && s.goal == goalRemove && !s.build.live():
		s.phase = removed
	case s.phase == removed && s.build.live():
		s.phase = ended // until that is over
	case s.phase == waiting && failed:
		s.phase, s.ready, s.failed = ended, false, now
		s.exit = &Exit{Status: max(s.build.exit.Status, 1), Err: &BuildError{*s.build.exit}}
	case s.phase == backoff && failed:
		s.phase, s.deadline, s.delay = ended, time.Time{}, 0
	case (s.phase == ended && s.goal == goalNone || s.phase == backoff) && s.mustBuild() && !failed:
		s.phase, s.deadline, s.delay, s.ready = waiting, time.Time{}, 0, false // it is to be started anyway
	}
	return s
}

// buildDue reports whether a service is to be built now. A build that would wait
// for servers could not be ready before them; what is done before, however, may
// be what it builds from. Replicas are built one after the other: they may write
// the same file.
func (m *machine) buildDue(name string) bool {
	s := m.services[name]
	wanted := s.phase == waiting || s.phase.live() && s.goal == goalNone
	if m.closing || !wanted || s.spec.Build.IsZero() || s.build.phase != unbuilt {
		return false
	}
	if len(m.beforeBuild(s)) > 0 {
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

// beforeBuild is the work that is to be done before s is built, and is not.
func (m *machine) beforeBuild(s service) (names []string) {
	for _, on := range s.spec.DependsOn {
		dependency, ok := m.services[on]
		if ok && dependency.spec.Ready.Kind == procfile.Done && !dependency.available() {
			names = append(names, on)
		}
	}
	return names
}

// buildObstacle is the service that has ended, and will not start by itself, for
// which the build of s waits; "" if there is none.
func (m *machine) buildObstacle(s service) string {
	if s.build.phase != unbuilt {
		return ""
	}
	return m.obstacleAmong(m.beforeBuild(s))
}

// liveBuilds are the services whose builds are live.
func (m *machine) liveBuilds() []string {
	if m.known.builds == nil {
		m.known.builds = []string{}
		for name, s := range m.services {
			if s.build.live() {
				m.known.builds = append(m.known.builds, name)
			}
		}
	}
	return m.known.builds
}
