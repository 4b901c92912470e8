package launcher

import (
	"slices"

	"github.com/devports/devports/procfile"
)

// current is the plan as it is carried out: a process is what it was made as,
// whatever plans have come since that did not affect it.
func (s *supervisor) current() procfile.Plan {
	var plan procfile.Plan
	for _, sv := range s.services {
		switch {
		case sv.wish == vanish:
		case sv.phase.live() && sv.wish == none:
			plan.Services = append(plan.Services, sv.made)
		default:
			plan.Services = append(plan.Services, sv.spec)
		}
	}
	return plan
}

// follow makes plan the one that runs.
func (s *supervisor) follow(plan procfile.Plan) {
	changes := procfile.Diff(s.current(), plan)
	if s.plan.Services != nil {
		s.options.Notify(PlanChanged{changes})
	}
	s.plan = plan
	for _, spec := range plan.Services {
		if sv := s.services[spec.Service]; sv != nil {
			sv.spec = spec
		} else {
			s.services[spec.Service] = &managed{spec: spec}
		}
	}
	s.sortNames()
	for _, c := range changes {
		sv := s.services[c.Service]
		switch {
		case c.Kind == procfile.Removed:
			s.apply(c.Service, evRemove)
		case c.Kind == procfile.Adjusted:
			sv.made.StopSignal, sv.made.StopTimeout = sv.spec.StopSignal, sv.spec.StopTimeout
		case c.Kind == procfile.Changed || sv.wish == vanish: // or back before it has gone
			s.apply(c.Service, evRestart)
		}
	}
}

// occupied reports whether a process of this run still has a port of sv: it is
// on its way out, and sv has its port from now on.
func (s *supervisor) occupied(sv *managed) bool {
	for _, other := range s.services {
		if other != sv && other.phase.live() && slices.ContainsFunc(sv.spec.Ports, func(port int) bool {
			return slices.Contains(other.made.Ports, port)
		}) {
			return true
		}
	}
	return false
}
