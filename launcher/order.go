package launcher

import (
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

// machine is the state of a run, and decides what is to happen to its services.
// It does nothing itself and reads no clock.
type machine struct {
	services      map[string]service
	names         []string                    // of services, sorted
	others        map[string]procfile.Process // of the plan, not to be started until asked for
	added         map[string]bool             // of its others, what was asked for
	gone          map[string]outage           // of services that were removed, the latest outage: the removal
	followed      bool                        // there has been a plan before
	stopOnExit    bool                        // the end of one service ends all
	watching      bool                        // services are restarted when files that they watch change
	closing       bool                        // all services are to end
	asked         bool                        // by a signal, by Down or by a context: that is no failure
	interrupts    interrupts
	maxBuilds     int             // how many builds may run at a time; 0: any number
	touched       map[string]bool // services of which due may say another thing than when it was asked last
	links         *links          // of services; nil: not known
	earliest      time.Time       // deadline of a service, if deadlineKnown
	deadlineKnown bool
	unsettled     string     // a service that was not settled when the last standing was made; may be none
	first         *ExitError // of the end that ended all
}

// due is what a service is to do now, if anything: start when what it depends
// on is available and what used an earlier run of it has ended, wait for that
// once more, end when nothing that is to end as well needs it. A restart waits for
// the builds of what depends on the service, so that this, too, is stopped first.
func (m *machine) due(name string) (kind eventKind, due bool) {
	s := m.services[name]
	switch {
	case m.closing && s.phase != ended && (s.goal == goalNone || s.goal == goalRestart):
		return evStop, true
	case s.phase == running && s.goal != goalNone && !m.needed(name) && (s.goal != goalRestart || !m.used(name, service.rebuilding)):
		return evEnd, true
	case m.buildDue(name):
		return evBuild, true
	case !m.closing && s.phase == waiting && !s.mustBuild() && m.missing(s) == "" && !m.occupied(name) && !m.needed(name):
		return evStart, true
	case m.again(name) != Outage{}:
		return evAgain, true
	}
	return 0, false
}

// needed reports whether a service that is to end and still lives depends on
// name, be it by way of others, such as a migration that has ended.
func (m *machine) needed(name string) bool {
	return m.used(name, func(s service) bool {
		return s.phase.live() && (s.goal != goalNone || s.phase == stopping || s.phase == killing)
	})
}

// used reports whether a service that is so depends on name, be it by way of
// others.
func (m *machine) used(name string, so func(service) bool) bool {
	dependents := m.linked().dependents
	if len(dependents[name]) == 0 {
		return false
	}
	used, seen := []string{name}, map[string]bool{name: true}
	for i := 0; i < len(used); i++ {
		for _, other := range dependents[used[i]] {
			if seen[other] {
				continue
			}
			s := m.services[other]
			if !slices.Contains(s.made.DependsOn, used[i]) {
				continue
			}
			if so(s) {
				return true
			}
			seen[other] = true
			used = append(used, other)
		}
	}
	return false
}

// waitingFor are the services that wait until name is available.
func (m *machine) waitingFor(name string) (names []string) {
	for _, other := range m.names {
		if s := m.services[other]; s.phase == waiting && slices.Contains(m.lacks(s), name) {
			names = append(names, other)
		}
	}
	return names
}

// depended reports whether a service depends on name.
func (m *machine) depended(name string) bool {
	return slices.ContainsFunc(m.linked().dependents[name], func(other string) bool {
		s := m.services[other]
		return s.goal != goalRemove && slices.Contains(s.spec.DependsOn, name)
	})
}

// missing is the first of what s lacks; "" for nothing.
func (m *machine) missing(s service) string {
	if names := m.lacks(s); len(names) > 0 {
		return names[0]
	}
	return ""
}

// occupied reports whether a process of this run still has a port of the
// service: it is on its way out, and the service has its port from now on.
func (m *machine) occupied(name string) bool {
	return slices.ContainsFunc(m.services[name].spec.Ports, func(port int) bool {
		return slices.ContainsFunc(m.linked().sharing[port], func(other string) bool {
			if other == name {
				return false
			}
			o := m.services[other]
			return o.phase.live() && slices.Contains(o.made.Ports, port)
		})
	})
}

// finished reports whether no process is left and none will be started.
func (m *machine) finished() bool { return m.resting() && len(m.rerunnable()) == 0 }

// resting reports whether no process is left, and only what is yet to be asked
// starts one.
func (m *machine) resting() bool {
	for _, s := range m.services {
		if s.phase.live() || s.build.live() || s.phase == backoff || s.held && !m.closing {
			return false
		}
	}
	return true // what still waits does so for what failed to start
}

// rerunnable are the services that are done, or have failed at work to be done,
// and that a change of the files that they watch runs again.
func (m *machine) rerunnable() (names []string) {
	if m.closing || !m.watching {
		return nil
	}
	for _, name := range m.names {
		s := m.services[name]
		if s.phase == ended && !s.held && len(s.spec.Watch) > 0 && s.exit != nil &&
			(s.made.Ready.Kind == procfile.Done || s.exit.Status == 0 || s.build.phase == buildFailed) {
			names = append(names, name)
		}
	}
	return names
}

// result is the failure of the run; nil if there is none.
func (m *machine) result() *ExitError {
	if m.first != nil {
		if m.first.Status == 0 {
			return nil
		}
		return m.first
	}
	if m.asked || m.closing {
		return nil
	}
	var failed *ExitError
	var earliest time.Time
	for _, name := range m.names {
		if s := m.services[name]; !s.failed.IsZero() && (earliest.IsZero() || s.failed.Before(earliest)) {
			failed, earliest = &ExitError{name, s.exit.Status}, s.failed
		}
	}
	if blocked := m.blocked(); failed == nil && len(blocked) > 0 {
		return &ExitError{blocked[0], 1} // what it depends on has ended without a failure, but was not ready
	}
	return failed
}

// blocked are the services that wait.
func (m *machine) blocked() []string {
	return slices.DeleteFunc(slices.Clone(m.names), func(name string) bool { return m.services[name].phase != waiting })
}

// current is the plan as it is carried out: a process is what it was made as,
// whatever plans have come since that did not affect it.
func (m *machine) current() procfile.Plan {
	var plan procfile.Plan
	for _, s := range m.services {
		switch {
		case s.goal == goalRemove:
		case s.phase.live() && s.goal == goalNone && !s.mustBuild(): // or else the new plan is being built
			plan.Services = append(plan.Services, s.made)
		default:
			plan.Services = append(plan.Services, s.spec)
		}
	}
	return plan
}

// step is something that is to happen to a service.
type step struct {
	service string
	kind    eventKind
}

// follow makes plan the one that runs: changes is how it differs from what runs,
// steps what has to happen for that.
func (m *machine) follow(plan procfile.Plan) (changes []procfile.Change, steps []step) {
	plan = m.withAdded(plan)
	changes = procfile.Diff(m.current(), plan)
	changes = slices.DeleteFunc(changes, func(c procfile.Change) bool { return c.Kind == procfile.Kept && !m.news(c.Service, plan) })
	m.stopOnExit, m.followed = plan.StopOnExit, true
	for _, spec := range plan.Services {
		s, had := m.services[spec.Service]
		if !had {
			s.away = m.gone[spec.Service]
		}
		s.spec = spec
		m.services[spec.Service] = s
	}
	m.sortNames()
	for _, c := range changes {
		s := m.services[c.Service]
		switch {
		case c.Kind == procfile.Removed:
			steps = append(steps, step{c.Service, evRemove})
		case c.Kind == procfile.Adjusted:
			s.made.StopSignal, s.made.StopTimeout = s.spec.StopSignal, s.spec.StopTimeout
			m.set(c.Service, s)
		case c.Kind == procfile.Changed || s.goal == goalRemove: // or back before it has gone
			steps = append(steps, step{c.Service, evRestart})
		}
	}
	return changes, steps
}

// news reports whether a plan has another environment for a service than the
// plan before. One that goes on with an older environment differs from every
// plan until it is restarted.
func (m *machine) news(name string, plan procfile.Plan) bool {
	spec, _ := plan.Service(name)
	before := procfile.Plan{Services: []procfile.Process{m.services[name].spec}}
	return len(procfile.Diff(before, procfile.Plan{Services: []procfile.Process{spec}})) > 0
}

// withAdded returns the plan with those of its others that were added, and keeps
// the rest.
func (m *machine) withAdded(plan procfile.Plan) procfile.Plan {
	m.others = map[string]procfile.Process{}
	plan.Services = slices.Clone(plan.Services)
	for _, spec := range plan.Others {
		if m.added[spec.Service] {
			plan.Services = append(plan.Services, spec)
		} else {
			m.others[spec.Service] = spec
		}
	}
	return plan
}

// add makes one of the others a service of the run, with what it depends on. It
// then waits for its start like any service of a plan.
func (m *machine) add(name string) {
	spec, ok := m.others[name]
	if !ok {
		return
	}
	delete(m.others, name)
	if m.added == nil {
		m.added = map[string]bool{}
	}
	m.added[name] = true
	s := m.services[name]
	s.spec = spec
	m.services[name] = s
	m.sortNames()
	for _, dependency := range spec.DependsOn {
		m.add(dependency)
	}
}
