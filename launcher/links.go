package launcher

import (
	"maps"
	"slices"
	"time"
)

// links are what makes services depend on the state of others. They may have more
// than there is now: what a process was made from counts as well as what the next
// is made from.
type links struct {
	dependencies map[string][]string // by a service: those that it depends on
	dependents   map[string][]string // by a service: those that depend on it
	sharing      map[int][]string    // by a port: those that have it
}

func linksOf(services map[string]service) *links {
	l := &links{map[string][]string{}, map[string][]string{}, map[int][]string{}}
	for name, s := range services {
		for _, on := range slices.Compact(slices.Concat(s.spec.DependsOn, s.procSpec.DependsOn)) {
			l.dependencies[name] = append(l.dependencies[name], on)
			l.dependents[on] = append(l.dependents[on], name)
		}
		for _, port := range slices.Compact(slices.Concat(s.spec.Ports, s.procSpec.Ports)) {
			l.sharing[port] = append(l.sharing[port], name)
		}
	}
	return l
}

// linked are the links of the services.
func (m *machine) linked() *links {
	if m.links == nil {
		m.links = linksOf(m.services)
	}
	return m.links
}

// sortNames has names follow services. It makes a new list: a caller may be going
// through the old one.
func (m *machine) sortNames() {
	m.names = slices.Sorted(maps.Keys(m.services))
	m.links, m.deadlineKnown = nil, false
	m.touchAll()
}

// set changes the state of a service. What the others are to do about that, [machine.nextEvent]
// says for those that [machine.takeTouched] returns.
func (m *machine) set(name string, s service) {
	before := m.services[name]
	m.services[name] = s
	m.noteDeadline(before, s)
	if before.build.live() != s.build.live() {
		m.touchAll() // only so many builds run at a time
		return
	}
	m.touch(name)
}

// touch notes that due may say another thing of a service from now on, and of
// those that look at it: those that depend on it and those that it depends on, be
// it by way of others, and those that have one of its ports.
func (m *machine) touch(name string) {
	if m.touched == nil {
		m.touched = map[string]bool{}
	}
	m.touched[name] = true
	l := m.linked()
	for _, next := range []map[string][]string{l.dependencies, l.dependents} {
		if len(next[name]) == 0 {
			continue
		}
		seen := map[string]bool{name: true}
		for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
			for _, other := range next[queue[0]] {
				if !seen[other] {
					seen[other], m.touched[other] = true, true
					queue = append(queue, other)
				}
			}
		}
	}
	s := m.services[name]
	for _, ports := range [][]int{s.spec.Ports, s.procSpec.Ports} {
		for _, port := range ports {
			for _, other := range l.sharing[port] {
				m.touched[other] = true
			}
		}
	}
}

func (m *machine) touchAll() {
	m.touched = make(map[string]bool, len(m.names))
	for _, name := range m.names {
		m.touched[name] = true
	}
}

// takeTouched returns the services that were touched since it was called last,
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

// startClosing has all services end.
func (m *machine) startClosing() {
	m.closing = true
	m.touchAll()
}

// noteDeadline keeps up with the deadlines of a service.
func (m *machine) noteDeadline(before, after service) {
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

// deadline is the earliest deadline of a service; zero if there is none.
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
