package launcher

import "time"

// settling is the time from when a service is asked to start until all have come
// to where they stay.
type rollout struct {
	since   time.Time // zero: nothing has happened since all had
	started bool      // a service was started for another reason than its own end
}

// standing is how many services are how, once all are settled.
type summary struct {
	settled         bool
	ready, done     int
	stopped, failed int       // failed: or waiting for what will not come
	lastReady       time.Time // when the last of those that are up was so
}

func (m *machine) summarize() (st summary) {
	for _, name := range m.names {
		s := m.services[name]
		up := true
		switch {
		case s.rebuilding():
			return summary{}
		case s.phase.live() && s.mustBuild(): // the build has failed
			st.failed, up = st.failed+1, false
		case s.phase == running && s.goal == goalNone && s.ready && s.deadline.IsZero():
			st.ready++
		case s.phase == ended && (s.userStopped || s.exit != nil && s.exit.Requested):
			st.stopped, up = st.stopped+1, false
		case s.phase == ended && s.exit != nil && !s.exit.Failed():
			st.done++
		case s.phase == ended || m.blocker(name) != "":
			st.failed, up = st.failed+1, false
		default:
			return summary{}
		}
		if up && s.downtime.to.After(st.lastReady) {
			st.lastReady = s.downtime.to
		}
	}
	st.settled = true
	return st
}

// noteReady notifies that all services are ready, once for each settling. A
// single service has its own event, and so has one that starts again by itself.
func (s *supervisor) notifyAllReady() {
	st := s.summarize()
	switch {
	case !st.settled && s.rollout.since.IsZero():
		s.rollout.since = time.Now()
	case st.settled:
		if s.rollout.started && !s.closing && st.failed == 0 && st.ready > 0 && st.ready+st.done > 1 {
			s.options.Notify(AllReady{st.ready + st.done, st.stopped, max(st.lastReady.Sub(s.rollout.since), 0)})
		}
		s.rollout = rollout{}
	}
}
