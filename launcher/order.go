package launcher

import "slices"

// advance starts what can start and, when all are to end, stops what nothing
// needs any more.
func (s *supervisor) advance() {
	for _, name := range s.names {
		sv := s.services[name]
		switch {
		case s.closing && sv.wish == none && (sv.phase.live() || sv.phase == waiting || sv.phase == pausing) && !s.needed(name):
			s.apply(name, evStop)
		case s.closing && sv.wish == again:
			s.apply(name, evStop) // not again
		case !s.closing && sv.phase == waiting && s.missing(sv) == "" && !s.occupied(sv):
			s.apply(name, evStart)
		}
	}
}

// needed reports whether a service that still lives depends on name, be it by
// way of one that has ended, such as a migration.
func (s *supervisor) needed(name string) bool {
	needed := []string{name}
	for i := 0; i < len(needed); i++ {
		for other, sv := range s.services {
			if slices.Contains(needed, other) || !slices.Contains(sv.made.DependsOn, needed[i]) {
				continue
			}
			if sv.phase.live() {
				return true
			}
			needed = append(needed, other)
		}
	}
	return false
}

// waitingFor are the services that wait until name is ready.
func (s *supervisor) waitingFor(name string) (names []string) {
	for _, other := range s.names {
		if sv := s.services[other]; sv.phase == waiting && slices.Contains(sv.spec.DependsOn, name) {
			names = append(names, other)
		}
	}
	return names
}

// depended reports whether a service depends on name.
func (s *supervisor) depended(name string) bool {
	for _, sv := range s.services {
		if sv.wish != vanish && slices.Contains(sv.spec.DependsOn, name) {
			return true
		}
	}
	return false
}

// missing is the first dependency of sv that has not been ready, if any. One
// that is not run at all is not waited for.
func (s *supervisor) missing(sv *managed) string {
	for _, name := range sv.spec.DependsOn {
		if dependency := s.services[name]; dependency != nil && !dependency.ready {
			return name
		}
	}
	return ""
}
