package launcher

import (
	"maps"
	"slices"
	"time"
)

// links are the relations between services through which the state of one can
// change what is due for another: dependencies, direct or not, and shared ports.
// They include those of the current processes, which may be of an earlier plan.
type links struct {
	dependents map[string][]string // by service: the services that depend on it
	sharing    map[int][]string    // by port: the services that have it
	component  map[string][]string // by service: all that it is linked with, itself included; nil for only itself
}

func linksOf(services map[string]service) *links {
	l := &links{map[string][]string{}, map[int][]string{}, map[string][]string{}}
	neighbours := map[string][]string{}
	connect := func(a, b string) {
		neighbours[a], neighbours[b] = append(neighbours[a], b), append(neighbours[b], a)
	}
	for name, s := range services {
		for _, on := range slices.Concat(s.spec.DependsOn, s.procSpec.DependsOn) {
			l.dependents[on] = append(l.dependents[on], name)
			connect(name, on)
		}
		for _, port := range slices.Concat(s.spec.Ports, s.procSpec.Ports) {
			if others := l.sharing[port]; len(others) > 0 {
				connect(name, others[0])
			}
			l.sharing[port] = append(l.sharing[port], name)
		}
	}
	for name := range services {
		if l.component[name] != nil || len(neighbours[name]) == 0 {
			continue
		}
		members := []string{name}
		seen := map[string]bool{name: true}
		for i := 0; i < len(members); i++ {
			for _, next := range neighbours[members[i]] {
				if !seen[next] {
					seen[next], members = true, append(members, next)
				}
			}
		}
		for _, member := range members {
			l.component[member] = members
		}
	}
	return l
}

// linked returns the links of the services.
func (m *machine) linked() *links {
	if m.links == nil {
		m.links = linksOf(m.services)
	}
	return m.links
}

// sortNames updates names after services were added or removed. It creates a new
// list: a caller may be iterating over the old one.
func (m *machine) sortNames() {
	m.names = slices.Sorted(maps.Keys(m.services))
	m.links, m.deadlineKnown = nil, false
	m.touchAll()
}

// touch records that [machine.nextEvent] may return another event for a service,
// and for all that it is linked with.
func (m *machine) touch(name string) {
	if m.touched == nil {
		m.touched = map[string]bool{}
	}
	m.touched[name] = true
	for _, other := range m.linked().component[name] {
		m.touched[other] = true
	}
}

func (m *machine) touchAll() {
	m.touched = make(map[string]bool, len(m.names))
	for _, name := range m.names {
		m.touched[name] = true
	}
}

// takeTouched returns the services that were touched since its latest call,
// sorted.
func (m *machine) takeTouched() []string {
	names := make([]string, 0, len(m.touched))
	for name := range m.touched {
		if _, ok := m.services[name]; ok {
			names = append(names, name)
		}
	}
	clear(m.touched)
	slices.Sort(names)
	return names
}

// startClosing begins to stop all services.
func (m *machine) startClosing() {
	m.closing = true
	m.touchAll()
}

// updateDeadline updates the earliest deadline after a change of a service.
func (m *machine) updateDeadline(before, after service) {
	if earliest := after.earliestDeadline(); !earliest.IsZero() && (m.earliest.IsZero() || earliest.Before(m.earliest)) {
		m.earliest = earliest
		return
	}
	if gone := before.earliestDeadline(); !gone.IsZero() && !gone.After(m.earliest) && !after.earliestDeadline().Equal(gone) {
		m.deadlineKnown = false
	}
}

func (s service) earliestDeadline() time.Time {
	if s.deadline.IsZero() || !s.build.deadline.IsZero() && s.build.deadline.Before(s.deadline) {
		return s.build.deadline
	}
	return s.deadline
}

// deadline returns the earliest deadline of a service; zero if there is none.
func (m *machine) deadline() time.Time {
	if !m.deadlineKnown {
		m.earliest, m.deadlineKnown = time.Time{}, true
		for _, s := range m.services {
			if d := s.earliestDeadline(); !d.IsZero() && (m.earliest.IsZero() || d.Before(m.earliest)) {
				m.earliest = d
			}
		}
	}
	return m.earliest
}
