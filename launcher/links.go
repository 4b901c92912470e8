package launcher

import (
	"container/heap"
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
	m.links = nil
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

func (s service) earliestDeadline() time.Time {
	if s.deadline.IsZero() || !s.build.deadline.IsZero() && s.build.deadline.Before(s.deadline) {
		return s.build.deadline
	}
	return s.deadline
}

// deadline returns the earliest deadline of a service; zero if there is none.
func (m *machine) deadline() time.Time {
	for len(m.deadlines) > 0 {
		first := m.deadlines[0]
		if s, ok := m.services[first.service]; ok && s.earliestDeadline().Equal(first.at) {
			return first.at
		}
		heap.Pop(&m.deadlines)
	}
	return time.Time{}
}

// deadlines is a heap of deadlines of services, the earliest one first. Stale
// entries are removed only when they are the first: when many services stop,
// searching all entries after each end would take longer than everything else.
type deadlines []deadline

type deadline struct {
	at      time.Time
	service string
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)        { *d = append(*d, x.(deadline)) }

func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}
