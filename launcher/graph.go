package launcher

import (
	"container/heap"
	"slices"

	"github.com/devports/devports/procfile"
)

// graphCache holds what was computed from the graph of all services. It is
// computed on demand, and stays until a service changes: otherwise every event
// would cost a large plan a walk over the graph for each service.
type graphCache struct {
	// nil: not computed
	needed     map[string]bool   // for machine.hasEndingDependent
	awaited    map[string]bool   // for machine.hasRebuildingDependent
	liveBuilds []string          // for machine.liveBuilds
	blockers   map[string]string // for machine.blocker: of the services that it was called with
}

// set changes the state of a service.
func (m *machine) set(name string, s service) {
	before := m.services[name]
	m.services[name] = s
	if at := s.earliestDeadline(); !at.IsZero() && !at.Equal(before.earliestDeadline()) {
		heap.Push(&m.deadlines, deadline{at, name})
	}
	m.touch(name)
	m.cache.blockers, m.cache.awaited = nil, nil
	stops := before.stopping() != s.stopping() && len(s.procSpec.DependsOn) > 0
	if stops || !slices.Equal(before.procSpec.DependsOn, s.procSpec.DependsOn) {
		m.cache.needed = nil
	}
	if before.build.live() != s.build.live() {
		m.cache.liveBuilds = nil
		m.touchAll() // the number of builds is limited
	}
}

// remove deletes a service.
func (m *machine) remove(name string) {
	delete(m.services, name)
	m.cache = graphCache{}
	m.sortNames()
}

// hasEndingDependent reports whether a live service that is stopping depends on
// name, directly or not: the path may lead through jobs that have ended, such
// as a migration.
func (m *machine) hasEndingDependent(name string) bool {
	if m.cache.needed == nil {
		m.cache.needed = m.dependenciesOf(service.stopping)
	}
	return m.cache.needed[name]
}

// hasRebuildingDependent reports whether a service that runs until it is built
// depends on the server name, directly or not. A build that will not start on
// its own does not count.
func (m *machine) hasRebuildingDependent(name string) bool {
	if m.cache.awaited == nil {
		m.cache.awaited = m.dependenciesOf(func(s service) bool { return s.rebuilding() && m.buildBlocker(s) == "" })
	}
	return m.cache.awaited[name] && m.services[name].procSpec.Ready.Kind != procfile.Done
}

// dependenciesOf returns the dependencies, direct or not, of the processes of
// the services for which match holds.
func (m *machine) dependenciesOf(match func(service) bool) map[string]bool {
	found := map[string]bool{}
	var queue []string
	add := func(s service) {
		for _, name := range s.procSpec.DependsOn {
			if !found[name] {
				found[name], queue = true, append(queue, name)
			}
		}
	}
	for _, s := range m.services {
		if match(s) {
			add(s)
		}
	}
	for i := 0; i < len(queue); i++ {
		add(m.services[queue[i]])
	}
	return found
}

// buildNeedsRestart reports whether a job that has to end before the build of s
// waits, directly or not, for the restart of a server that is delayed until
// builds such as this one have ended. Then s has to stop before it is built.
func (m *machine) buildNeedsRestart(s service) bool {
	queue := m.unmetJobs(s)
	if len(queue) == 0 {
		return false
	}
	delayed := func(s service) bool {
		return s.phase == running && s.goal == goalRestart && m.hasRebuildingDependent(s.spec.Service)
	}
	inUse := m.dependenciesOf(delayed)
	for i := 0; i < len(queue); i++ {
		before := m.services[queue[i]]
		switch {
		case delayed(before), before.phase == waiting && (inUse[queue[i]] || m.portOccupied(queue[i])):
			return true
		case before.phase != waiting:
			continue
		}
		for name := range m.eachUnmetDependency(before) {
			if !slices.Contains(queue, name) {
				queue = append(queue, name)
			}
		}
	}
	return false
}

// hasCycle reports whether the dependencies of the plan and those of the
// processes that run together have a cycle: an edit has reversed a dependency.
func (m *machine) hasCycle() bool {
	const begun, done = 1, 2
	state := map[string]int{}
	var visit func(name string) bool
	visit = func(name string) bool {
		if state[name] != 0 {
			return state[name] == begun
		}
		state[name] = begun
		s := m.services[name]
		cycle := slices.ContainsFunc(s.spec.DependsOn, visit) || slices.ContainsFunc(s.procSpec.DependsOn, visit)
		state[name] = done
		return cycle
	}
	return slices.ContainsFunc(m.names, visit)
}
