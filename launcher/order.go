package launcher

import (
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

// machine is the state of a run, and decides what happens to its services. It
// has no side effects and reads no clock.
type machine struct {
	services        map[string]service
	names           []string                    // of services, sorted
	inactive        map[string]procfile.Process // of the plan, not selected
	added           map[string]bool             // names of inactive ones that were started on request
	removedDowntime map[string]downtime         // of deleted services: their latest downtime, which their deletion began
	hasPlan         bool                        // a plan was applied before
	stopOnExit      bool                        // the end of one service ends all
	watching        bool                        // the caller restarts services when the files they watch change
	lasting         bool                        // the run goes on without services until it is stopped
	drains          bool                        // services finish their requests before they are restarted
	closing         bool                        // all services are stopping
	stopRequested   bool                        // by a signal, by Down or by a context, which is not a failure
	interrupts      interrupts
	maxBuilds       int             // how many builds may run at a time; 0: no limit
	touched         map[string]bool // services for which nextEvent may have changed since it was called
	links           *links          // of services; nil: not computed
	deadlines       deadlines       // of services, with stale entries
	unsettled       string          // a service that had not settled when last summarized; may not exist
	stopCause       *ExitError      // with stopOnExit: the exit that stopped the run
	cache           graphCache
}

// nextEvent returns the event that is due for a service, if any: start, once
// its dependencies are available and the users of its earlier process have
// ended; rerun; or terminate, once no stopping service needs it. A restart
// waits until the dependents have been built, so that they stop first, and until
// the service has finished its requests: see [Options.Drain]. A step whose
// dependency ends before its process has started waits again.
func (m *machine) nextEvent(name string) (kind eventKind, due bool) {
	s := m.services[name]
	switch {
	case m.closing && s.phase != ended && (s.goal == goalNone || s.goal == goalRestart):
		return evStop, true
	case s.phase == running && s.goal != goalNone && !m.hasEndingDependent(name) && (s.goal != goalRestart || !m.hasRebuildingDependent(name)):
		if s.goal != goalRestart || s.procSpec.Host == "" || !m.drains {
			return evTerminate, true
		}
		return s.drain.nextEvent()
	case s.phase == running && s.rebuilding() && s.build.phase == unbuilt && m.buildNeedsRestart(s):
		return evStopToBuild, true
	case m.buildDue(name):
		return evBuild, true
	case !m.closing && s.phase == waiting && !s.mustBuild() && m.unmetDependency(s) == "" && !m.hasEndingDependent(name) && !m.portOccupied(name):
		return evStart, true
	case s.isStepAtItsTurn() && s.goal == goalNone && m.unmetDependency(s) != "":
		return evRestart, true // it may wait for its turn for a long time
	case s.phase == ended && m.rerunOutage(name) != Outage{}:
		return evRerun, true
	case !m.closing && s.renewable() && m.renewed(s):
		return evRenewed, true
	}
	return 0, false
}

// waitingFor returns the services that wait until name is available.
func (m *machine) waitingFor(name string) (names []string) {
	for _, other := range m.names {
		if s := m.services[other]; s.phase == waiting && slices.Contains(m.unmetDependencies(s), name) {
			names = append(names, other)
		}
	}
	return names
}

// hasDependents reports whether a service depends on name.
func (m *machine) hasDependents(name string) bool {
	return slices.ContainsFunc(m.linked().dependents[name], func(other string) bool {
		s := m.services[other]
		return s.goal != goalRemove && slices.Contains(s.spec.DependsOn, name)
	})
}

// unmetDependency returns the first unmet dependency of s; "" for none.
func (m *machine) unmetDependency(s service) string {
	for name := range m.eachUnmetDependency(s) {
		return name
	}
	return ""
}

// portOccupied reports whether another process of this run still has one of the
// service's ports, because it had the port under an earlier plan.
func (m *machine) portOccupied(name string) bool {
	return slices.ContainsFunc(m.services[name].spec.Ports, func(port int) bool {
		return slices.ContainsFunc(m.linked().sharing[port], func(other string) bool {
			if other == name {
				return false
			}
			o := m.services[other]
			return o.phase.live() && slices.Contains(o.procSpec.Ports, port)
		})
	})
}

// finished reports whether the run is over: no process is left, and none will
// start.
func (m *machine) finished() bool {
	return m.quiescent() && len(m.rerunnable()) == 0 && (m.closing || !m.lasting)
}

// quiescent reports whether no process is left and none starts without a
// request or a change of files.
func (m *machine) quiescent() bool {
	for _, s := range m.services {
		if s.phase.live() || s.build.live() || s.phase == backoff || (s.userStopped || s.stoppedElsewhere()) && !m.closing {
			return false
		}
	}
	return true // services that wait do so for a failed one
}

// rerunnable returns the services that have completed, or failed at a job or a
// build, and that run again when the files they watch change.
func (m *machine) rerunnable() (names []string) {
	if m.closing || !m.watching {
		return nil
	}
	for _, name := range m.names {
		s := m.services[name]
		if s.phase == ended && !s.userStopped && s.spec.Setup == nil && len(s.spec.Watch) > 0 && s.exit != nil &&
			(s.procSpec.Ready.Kind == procfile.Done || s.exit.Status == 0 || s.build.phase == buildFailed) {
			names = append(names, name)
		}
	}
	return names
}

// result returns the failure of the run; nil for success.
func (m *machine) result() *ExitError {
	if m.stopCause != nil {
		if m.stopCause.Status == 0 {
			return nil
		}
		return m.stopCause
	}
	if m.stopRequested || m.closing {
		return nil
	}
	var failed *ExitError
	var earliest time.Time
	for _, name := range m.names {
		if s := m.services[name]; !s.failedAt.IsZero() && (earliest.IsZero() || s.failedAt.Before(earliest)) {
			failed, earliest = &ExitError{name, s.exit.Status}, s.failedAt
		}
	}
	if blocked := m.blocked(); failed == nil && len(blocked) > 0 {
		return &ExitError{blocked[0], 1} // its dependency has ended without failing, but was never ready
	}
	return failed
}

// blocked returns the waiting services.
func (m *machine) blocked() []string {
	return slices.DeleteFunc(slices.Clone(m.names), func(name string) bool { return m.services[name].phase != waiting })
}

// current returns the plan as it runs: for a live process the spec that it was
// started with, even if the plan has changed since.
func (m *machine) current() procfile.Plan {
	var plan procfile.Plan
	for _, s := range m.services {
		switch {
		case s.goal == goalRemove:
		case s.phase.live() && s.goal == goalNone && !s.mustBuild(): // otherwise the new spec is being built
			plan.Services = append(plan.Services, s.procSpec)
		default:
			plan.Services = append(plan.Services, s.spec)
		}
	}
	return plan
}

// step is an event to apply to a service.
type step struct {
	service string
	kind    eventKind
}

// applyPlan makes plan the current one. It returns the changes, and the steps
// that carry them out. A service that a user has stopped stays stopped.
func (m *machine) applyPlan(plan procfile.Plan) (changes []procfile.Change, steps []step) {
	plan = m.withAdded(plan)
	changes = procfile.Diff(m.current(), plan)
	changes = slices.DeleteFunc(changes, func(c procfile.Change) bool { return c.Kind == procfile.Kept && !m.environmentChanged(c.Service, plan) })
	m.stopOnExit, m.hasPlan = plan.StopOnExit, true
	for _, spec := range plan.Services {
		s, had := m.services[spec.Service]
		if !had {
			s.downtime = m.removedDowntime[spec.Service]
		}
		s.spec = spec
		m.set(spec.Service, s)
	}
	m.sortNames()
	for i, c := range changes {
		s := m.services[c.Service]
		switch {
		case c.Kind == procfile.Removed:
			steps = append(steps, step{c.Service, evRemove})
		case c.Kind == procfile.Adjusted:
			s.procSpec.StopSignal, s.procSpec.StopTimeout = s.spec.StopSignal, s.spec.StopTimeout
			m.set(c.Service, s)
		case c.Kind == procfile.Changed && s.userStopped: // its next process is of this plan
			changes[i].Kind = procfile.Stopped
		case c.Kind == procfile.Changed || s.goal == goalRemove: // or it is back before it was deleted
			steps = append(steps, step{c.Service, evRestart})
		}
	}
	if m.hasCycle() {
		for name, s := range m.services {
			s.procSpec.DependsOn = s.spec.DependsOn
			m.set(name, s)
		}
	}
	return changes, steps
}

// environmentChanged reports whether plan gives a service another environment
// than the previous plan did. A process that keeps an old environment differs
// from every plan until it is restarted.
func (m *machine) environmentChanged(name string, plan procfile.Plan) bool {
	spec, _ := plan.Service(name)
	before := procfile.Plan{Services: []procfile.Process{m.services[name].spec}}
	return len(procfile.Diff(before, procfile.Plan{Services: []procfile.Process{spec}})) > 0
}

// withAdded returns the plan with those of its inactive services that were
// added, and their dependencies, which an edit may have changed. It keeps the
// rest in inactive.
func (m *machine) withAdded(plan procfile.Plan) procfile.Plan {
	m.inactive = map[string]procfile.Process{}
	plan.Services = slices.Clone(plan.Services)
	for _, spec := range plan.Inactive {
		if m.added[spec.Service] {
			plan.Services = append(plan.Services, spec)
		} else {
			m.inactive[spec.Service] = spec
		}
	}
	for i := 0; i < len(plan.Services); i++ {
		for _, on := range plan.Services[i].DependsOn {
			if spec, ok := m.inactive[on]; ok {
				delete(m.inactive, on)
				plan.Services = append(plan.Services, spec)
			}
		}
	}
	return plan
}

// add makes one of the inactive services, with its dependencies, a service of
// the run. It then waits to start like any service of the plan.
func (m *machine) add(name string) {
	spec, ok := m.inactive[name]
	if !ok {
		return
	}
	delete(m.inactive, name)
	if m.added == nil {
		m.added = map[string]bool{}
	}
	m.added[name] = true
	s := m.services[name]
	s.spec = spec
	m.set(name, s)
	m.sortNames()
	for _, dependency := range spec.DependsOn {
		m.add(dependency)
	}
}
