package launcher

import (
	"slices"
	"time"
)

// rollout is the time from when a service is due to start until all services
// have settled.
type rollout struct {
	since   time.Time // zero: all have settled
	started bool      // a service was started other than by its restart policy
}

// summary counts the services by state, once all have settled.
type summary struct {
	settled         bool
	ready, done     int
	stopped, failed int       // failed includes those that are blocked
	lastReady       time.Time // when the last of the ready ones became ready
}

func (m *machine) summarize() (st summary) {
	var waits []string
	// Begin with the service that had not settled at the latest call: usually, it
	// still has not.
	first, _ := slices.BinarySearch(m.names, m.unsettled)
	for i := range m.names {
		name := m.names[(first+i)%len(m.names)]
		m.unsettled = name
		s := m.services[name]
		up := true
		switch {
		case s.phase == waiting:
			waits, up = append(waits, name), false
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
		case s.phase == ended:
			st.failed, up = st.failed+1, false
		default:
			return summary{}
		}
		if up && s.downtime.to.After(st.lastReady) {
			st.lastReady = s.downtime.to
		}
	}
	for _, name := range waits {
		if m.blocker(name) == "" {
			return summary{}
		}
	}
	st.failed += len(waits)
	st.settled = true
	return st
}

// notifyAllReady reports once per rollout that all services are ready. Not for
// a single service, nor for one restarted by its policy: their own events say
// so.
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
