package launcher

import (
	"iter"
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

const (
	// reconnectTime is how long after a service is available again a failure of
	// a dependent still counts as caused by the outage: clients notice a broken
	// connection only when they use it next.
	reconnectTime = 10 * time.Second

	// endSkew is how much earlier than the end of a service the resulting end
	// of a client may be observed: the two are observed in any order.
	endSkew = time.Second
)

// Outage is a time during which a service was not available to its dependents.
type Outage struct {
	Service string // "" for no outage
	Reason  OutageReason
}

// OutageReason is why a service was not available.
type OutageReason string

const (
	OutageRestart OutageReason = "restarted" // by a user, or because the plan changed
	OutageStop    OutageReason = "stopped"   // by a user, or because the plan changed
	OutageEnd     OutageReason = "ended"     // on its own
)

// String describes the outage at the end of a sentence about a dependent:
// "while db, which it depends on, was restarted"; "" for no outage.
func (o Outage) String() string {
	switch {
	case o.Service == "":
		return ""
	case o.Reason == OutageEnd:
		return "after " + o.Service + ", which it depends on, had ended"
	}
	return "while " + o.Service + ", which it depends on, was " + string(o.Reason)
}

// downtime is the latest time during which a service was not available, after
// it had been.
type downtime struct {
	from, to time.Time // zero from: never; to before from: still down
	reason   OutageReason
}

// update returns the downtime after an event, given whether the service was
// available before it and after.
func (d downtime) update(now time.Time, before, after bool, kind eventKind) downtime {
	switch {
	case before && !after:
		d.from, d.reason = now, OutageEnd
		switch kind {
		case evStop, evKill, evRemove:
			d.reason = OutageStop
		case evRestart, evRenewed, evBuildGone:
			d.reason = OutageRestart
		}
	case !before && after:
		d.to = now
	}
	return d
}

// mayExplain reports whether the downtime may have caused the end of a
// dependent whose process was spawned at spawnedAt and ended at end.
func (d downtime) mayExplain(spawnedAt, end time.Time) bool {
	switch {
	case d.from.IsZero() || d.from.Before(spawnedAt) || d.from.Sub(end) > endSkew:
		return false
	case d.to.Before(d.from):
		return true
	}
	return end.Sub(d.to) <= reconnectTime
}

// dependencyOutage returns the outage of a dependency, direct or not, that may
// explain why a service ended on its own at end.
func (m *machine) dependencyOutage(name string, end time.Time) Outage {
	s := m.services[name]
	on := slices.Clone(s.procSpec.DependsOn)
	for i := 0; i < len(on); i++ {
		dependency, ok := m.services[on[i]]
		if !ok {
			dependency.downtime = m.removedDowntime[on[i]]
		}
		if dependency.downtime.mayExplain(s.spawnedAt, end) {
			return Outage{on[i], dependency.downtime.reason}
		}
		for _, next := range dependency.procSpec.DependsOn {
			if !slices.Contains(on, next) {
				on = append(on, next)
			}
		}
	}
	return Outage{}
}

// rerunOutage returns the outage for which a job is to run again: the job
// failed during an outage of a dependency. If the dependency ended on its own,
// the job runs again only once, as the job itself may be what crashes it.
func (m *machine) rerunOutage(name string) Outage {
	s := m.services[name]
	if m.closing || s.mustBuild() || s.phase != ended || s.userStopped || s.unkillable || s.procSpec.Ready.Kind != procfile.Done || s.exit == nil || !s.exit.Failed() {
		return Outage{}
	}
	o := m.dependencyOutage(name, s.failedAt)
	if o.Reason == OutageEnd && s.rerunDone {
		return Outage{}
	}
	return o
}

// unmetDependencies returns the dependencies of s that are not available,
// nearest first. Those of a job that has succeeded, such as a migration, count
// as dependencies of s. Dependencies that are not part of the run are ignored.
func (m *machine) unmetDependencies(s service) []string {
	return slices.Collect(m.eachUnmetDependency(s))
}

// eachUnmetDependency yields what unmetDependencies returns.
func (m *machine) eachUnmetDependency(s service) iter.Seq[string] {
	return func(yield func(string) bool) {
		on := slices.Clone(s.spec.DependsOn)
		for i := 0; i < len(on); i++ {
			dependency, ok := m.services[on[i]]
			switch {
			case !ok:
				continue
			case !dependency.available():
				if !yield(on[i]) {
					return
				}
				continue
			case dependency.phase.live():
				continue
			}
			for _, next := range dependency.spec.DependsOn {
				if !slices.Contains(on, next) {
					on = append(on, next)
				}
			}
		}
	}
}

// blocker returns the dependency, direct or not, that has ended, will not start
// on its own, and so keeps name waiting; "" if name will start eventually.
// Failed services are preferred to stopped ones.
func (m *machine) blocker(name string) string {
	s := m.services[name]
	if s.phase != waiting {
		return ""
	}
	if found, ok := m.cache.blockers[name]; ok {
		return found
	}
	found := m.blockerAmong(m.unmetDependencies(s))
	if m.cache.blockers == nil {
		m.cache.blockers = map[string]string{}
	}
	m.cache.blockers[name] = found
	return found
}

// blockerAmong returns the blocker among services that are not available and
// what they wait for.
func (m *machine) blockerAmong(names []string) (found string) {
	failed := func(name string) bool {
		s := m.services[name]
		return s.exit != nil && s.exit.Failed() && !s.userStopped
	}
	for _, on := range names {
		if m.services[on].phase == ended && m.rerunOutage(on) == (Outage{}) {
			if found = on; failed(on) {
				return on
			}
		}
	}
	for _, on := range names {
		if b := m.blocker(on); b != "" && (found == "" || failed(b)) {
			if found = b; failed(b) {
				return b
			}
		}
	}
	return found
}
