package launcher

import (
	"maps"
	"slices"
	"time"
)

// links say which services nextEvent considers together. They may contain more
// than currently applies: both the specs of the processes and those of the plan
// count.
type links struct {
	dependents map[string][]string // by service
	sharing    map[int][]string    // services by port
	groups     map[string][]string // by service: all services linked to it, directly or not
}

func linksOf(services map[string]service) *links {
	l := &links{map[string][]string{}, map[int][]string{}, map[string][]string{}}
	linked := map[string][]string{}
	link := func(a, b string) {
		linked[a], linked[b] = append(linked[a], b), append(linked[b], a)
	}
	for name, s := range services {
		for _, on := range slices.Compact(slices.Concat(s.spec.DependsOn, s.procSpec.DependsOn)) {
			l.dependents[on] = append(l.dependents[on], name)
			link(name, on)
		}
		for _, port := range slices.Compact(slices.Concat(s.spec.Ports, s.procSpec.Ports)) {
			if others := l.sharing[port]; len(others) > 0 {
				link(name, others[0])
			}
			l.sharing[port] = append(l.sharing[port], name)
		}
	}
	for name := range services {
		if l.groups[name] != nil {
			continue
		}
		group, seen := []string{name}, map[string]bool{name: true}
		for i := 0; i < len(group); i++ {
			for _, other := range linked[group[i]] {
				if !seen[other] {
					seen[other] = true
					group = append(group, other)
				}
			}
		}
		for _, member := range group {
			l.groups[member] = group
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

// sortNames updates what follows from the set of services. It builds a new slice
// of names because a caller may be iterating over the old one.
func (m *machine) sortNames() {
	m.names = slices.Sorted(maps.Keys(m.services))
	m.links, m.deadlineKnown = nil, false
	m.touchAll()
}

// touch notes that nextEvent may have changed for a service and those linked to
// it.
func (m *machine) touch(name string) {
	if m.touched == nil {
		m.touched = map[string]bool{}
	}
	m.touched[name] = true
	for _, other := range m.linked().groups[name] {
		m.touched[other] = true
	}
}

func (m *machine) touchAll() {
	m.touched = make(map[string]bool, len(m.names))
	for _, name := range m.names {
		m.touched[name] = true
	}
}

// takeTouched returns the services touched since the last call, sorted.
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

// startClosing has all services stop.
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

// deadline returns the earliest deadline of all services; zero for none.
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
