package launcher

import (
	"iter"
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

const (
	// recovery is how long after a service is available again a failure of one
	// that depends on it is put down to the outage: clients notice a connection
	// that has ended when they use it next.
	recovery = 10 * time.Second

	// crossing is how much earlier than the end of a service the end of a client
	// may be seen that it has caused: two ends are noticed in any order.
	crossing = time.Second
)

// Outage says that a service could not be relied on for a while.
type Outage struct {
	Service string // "" for no outage
	Reason  OutageReason
}

// OutageReason is why a service could not be relied on.
type OutageReason string

const (
	OutageRestart OutageReason = "restarted" // somebody, or an edit, has asked for it
	OutageStop    OutageReason = "stopped"   // likewise
	OutageEnd     OutageReason = "ended"     // it has ended by itself
)

// String is the end of a sentence on a service that depends on this one: "while
// db, which it depends on, was restarted"; "" for no outage.
func (o Outage) String() string {
	switch {
	case o.Service == "":
		return ""
	case o.Reason == OutageEnd:
		return "after " + o.Service + ", which it depends on, had ended"
	}
	return "while " + o.Service + ", which it depends on, was " + string(o.Reason)
}

// outage is the latest time in which those that depend on a service could not
// rely on it, after they could.
type outage struct {
	from, to time.Time // zero from: there has been none; to before from: it goes on
	reason   OutageReason
}

// update is o after an event: whether the service was available before, and is.
func (o outage) update(now time.Time, before, after bool, kind eventKind) outage {
	switch {
	case before && !after:
		o.from, o.reason = now, OutageEnd
		switch kind {
		case evStop, evKill, evRemove:
			o.reason = OutageStop
		case evRestart, evBuildGone:
			o.reason = OutageRestart
		}
	case !before && after:
		o.to = now
	}
	return o
}

// explains reports whether the outage may be why a service that depends on this
// one ended: one that was started at ordered and ended at end.
func (o outage) explains(ordered, end time.Time) bool {
	switch {
	case o.from.IsZero() || o.from.Before(ordered) || o.from.Sub(end) > crossing:
		return false
	case o.to.Before(o.from):
		return true
	}
	return end.Sub(o.to) <= recovery
}

// outage is what may explain that a service has ended by itself at end: that one
// which it depends on, be it by way of others, was away.
func (m *machine) outage(name string, end time.Time) Outage {
	s := m.services[name]
	on := slices.Clone(s.made.DependsOn)
	for i := 0; i < len(on); i++ {
		dependency, ok := m.services[on[i]]
		if !ok {
			dependency.away = m.gone[on[i]]
		}
		if dependency.away.explains(s.ordered, end) {
			return Outage{on[i], dependency.away.reason}
		}
		for _, next := range dependency.made.DependsOn {
			if !slices.Contains(on, next) {
				on = append(on, next)
			}
		}
	}
	return Outage{}
}

// again is the outage for which a service is to be run once more: it is work
// that has failed while what it depends on was away. After an end that nobody
// has asked for that happens once, as the work itself may be what brings the
// other down.
func (m *machine) again(name string) Outage {
	s := m.services[name]
	if m.closing || s.mustBuild() || s.phase != ended || s.held || s.lost || s.made.Ready.Kind != procfile.Done || s.exit == nil || !s.exit.Failed() {
		return Outage{}
	}
	o := m.outage(name, s.failed)
	if o.Reason == OutageEnd && s.rerun {
		return Outage{}
	}
	return o
}

// lacks are the services that have to be available before s starts, and are not,
// nearest first. What ended well long ago, such as a migration, is passed over
// to what it depends on: that is used as well. One that is not run at all is not
// waited for.
func (m *machine) lacks(s service) []string { return slices.Collect(m.lacking(s)) }

// lacking yields what lacks returns.
func (m *machine) lacking(s service) iter.Seq[string] {
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

// obstacle is the service that has ended, and will not start by itself, for
// which name waits, be it by way of others that wait; "" if there is none: then
// name will have its turn. A failure comes before what was stopped.
func (m *machine) obstacle(name string) string {
	s := m.services[name]
	if s.phase != waiting {
		return ""
	}
	if found, ok := m.known.obstacles[name]; ok {
		return found
	}
	found := m.obstacleAmong(m.lacks(s))
	if m.known.obstacles == nil {
		m.known.obstacles = map[string]string{}
	}
	m.known.obstacles[name] = found
	return found
}

// obstacleAmong is the obstacle among services that are not available, and those
// for which they wait.
func (m *machine) obstacleAmong(names []string) (found string) {
	failed := func(name string) bool {
		s := m.services[name]
		return s.exit != nil && s.exit.Failed() && !s.held
	}
	for _, on := range names {
		if m.services[on].phase == ended && m.again(on) == (Outage{}) {
			if found = on; failed(on) {
				return on
			}
		}
	}
	for _, on := range names {
		if o := m.obstacle(on); o != "" && (found == "" || failed(o)) {
			if found = o; failed(o) {
				return o
			}
		}
	}
	return found
}
