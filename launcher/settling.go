package launcher

import (
	"slices"
	"time"
)

// settling is the time from when a service is asked to start until all have come
// to where they stay.
type settling struct {
	since   time.Time // zero: nothing has happened since all had
	started bool      // a service was started for another reason than its own end
}

// standing is how many services are how, once all are settled.
type standing struct {
	settled         bool
	ready, done     int
	stopped, failed int       // failed: or waiting for what will not come
	latest          time.Time // when the last of those that are up was so
}

func (m *machine) standing() (st standing) {
	// Begin with the one that was not settled last: most often, it still is not.
	first, _ := slices.BinarySearch(m.names, m.unsettled)
	for _, names := range [][]string{m.names[first:], m.names[:first]} {
		for _, name := range names {
			m.unsettled = name
			s := m.services[name]
			up := true
			switch {
			case s.rebuilding():
				return standing{}
			case s.phase.live() && s.mustBuild(): // the build has failed
				st.failed, up = st.failed+1, false
			case s.phase == running && s.goal == goalNone && s.ready && s.deadline.IsZero():
				st.ready++
			case s.phase == ended && (s.held || s.exit != nil && s.exit.Asked):
				st.stopped, up = st.stopped+1, false
			case s.phase == ended && s.exit != nil && !s.exit.Failed():
				st.done++
			case s.phase == ended || m.obstacle(name) != "":
				st.failed, up = st.failed+1, false
			default:
				return standing{}
			}
			if up && s.away.to.After(st.latest) {
				st.latest = s.away.to
			}
		}
	}
	st.settled = true
	return st
}

// noteReady notifies that all services are ready, once for each settling. A
// single service has its own event, and so has one that starts again by itself.
func (s *supervisor) noteReady() {
	st := s.standing()
	switch {
	case !st.settled && s.settling.since.IsZero():
		s.settling.since = time.Now()
	case st.settled:
		if s.settling.started && !s.closing && st.failed == 0 && st.ready > 0 && st.ready+st.done > 1 {
			s.options.Notify(AllReady{st.ready + st.done, st.stopped, max(st.latest.Sub(s.settling.since), 0)})
		}
		s.settling = settling{}
	}
}
