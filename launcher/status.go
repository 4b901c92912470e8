package launcher

import (
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/procfile"
)

// State is the state of a service, as its user sees it.
type State string

const (
	StateWaiting  State = "waiting"  // for a dependency: Detail
	StateStarting State = "starting" // until its check has passed
	StateReady    State = "ready"    // its check has passed
	StateBackoff  State = "backoff"  // it has ended and will be restarted: Detail
	StateStopping State = "stopping" // it has been asked to end
	StateStopped  State = "stopped"  // by a user
	StateDone     State = "done"     // it has ended successfully on its own
	StateFailed   State = "failed"   // it has failed: Detail
)

// Status describes a service.
type Status struct {
	Service  string    `json:"service"`
	State    State     `json:"state"`
	Detail   string    `json:"detail,omitempty"`
	PID      int       `json:"pid,omitempty"`
	Port     int       `json:"port,omitempty"`
	Address  string    `json:"address,omitempty"`  // of Port, for its user, unless it is not known whether anything will listen
	Since    time.Time `json:"since,omitzero"`     // when its process started
	ReadyMS  float64   `json:"ready_ms,omitempty"` // milliseconds from then until it was ready
	Restarts int       `json:"restarts"`           // how often its process was started again
	Position int       `json:"position,omitempty"` // its place in the file: 1 for the first service
	Step     bool      `json:"step,omitempty"`     // it is a step of the setup

	Exit      string    `json:"exit,omitempty"`      // how its latest process ended; "" while it runs
	RestartAt time.Time `json:"restart_at,omitzero"` // when StateBackoff ends

	// LastStarted is just before its latest process was spawned, even if that
	// has ended: the process has read every file that changed earlier.
	LastStarted time.Time `json:"last_started,omitzero"`
	DependsOn   []string  `json:"depends_on,omitempty"`
	// BlockedBy is why a waiting service will not start on its own.
	BlockedBy Blocker `json:"blocked_by,omitzero"`

	// Build is the state of its build, independent of State: BuildWaiting,
	// BuildRunning, BuildFailure, or "" once its process is of the latest
	// build. BuildLines are the last lines that a failed build printed.
	Build      string   `json:"build,omitempty"`
	BuildLines []string `json:"build_lines,omitempty"`
	// Unresponsive: it is ready, but did not answer a recheck.
	Unresponsive bool `json:"unresponsive,omitempty"`

	// Outdated: a file that it watches has changed, but its restart is delayed:
	// Detail.
	Outdated bool `json:"outdated,omitempty"`

	// Shared: all checkouts of the project share it, and another run has started
	// it; StartedBy is the checkout that has started that run.
	Shared    bool   `json:"shared,omitempty"`
	StartedBy string `json:"started_by,omitempty"`

	// Host is its label in named addresses, and HostHeader the Host that it
	// gets for them; "" for that of the request.
	Host       string `json:"-"`
	HostHeader string `json:"-"`

	NamedPorts map[string]int `json:"-"` // its additional ports

	// StaysStopped: it is stopped, or will be, until it is started again.
	StaysStopped bool `json:"-"`

	// WrongPorts are where it listens instead of Port, if it is not ready.
	WrongPorts []int `json:"-"`

	// Trial: it counts as ready because it has no check, but its process is so
	// young that it may still fail at once.
	Trial bool `json:"-"`
}

// Label is the state, with that of the build where it differs: "ready
// (building)".
func (s Status) Label() string {
	switch {
	case s.Build == BuildRunning:
		return string(s.State) + " (building)"
	case s.Build == BuildFailure && s.State != StateFailed:
		return string(s.State) + " (build failed)"
	}
	return string(s.State)
}

// Blocker is a service that has ended and will not start on its own, while
// others wait for it, directly or not.
type Blocker struct {
	Service     string    `json:"service"`
	State       State     `json:"state"`
	Detail      string    `json:"detail,omitempty"`
	LastStarted time.Time `json:"last_started,omitzero"`
}

// Settled reports whether the state of a service is final for now: it has
// ended, is blocked, or is ready and neither on trial nor being built.
func (s Status) Settled() bool {
	ready := s.State == StateReady && !s.Trial && (s.Build == "" || s.Build == BuildFailure)
	return ready || s.Ended() || s.BlockedBy != Blocker{}
}

// Up reports whether a service is done, or ready and not on trial.
func (s Status) Up() bool {
	return (s.State == StateReady && !s.Trial || s.State == StateDone) && s.Build == ""
}

// Ended reports whether a service has no process and none is about to start.
func (s Status) Ended() bool {
	return s.State == StateStopped || s.State == StateDone || s.State == StateFailed
}

// outcome describes how a service has ended, at the end of a sentence.
func (s Status) outcome() string {
	switch s.State {
	case StateFailed:
		return "has failed"
	case StateStopped:
		return "is stopped"
	}
	return "has ended"
}

func (s *supervisor) statuses() []Status {
	all := make([]Status, 0, len(s.names))
	for _, name := range s.names {
		all = append(all, s.statusOf(name))
	}
	return all
}

func (s *supervisor) statusOf(name string) Status {
	sv := s.services[name]
	status := Status{Service: name, Position: sv.spec.Position, Step: sv.spec.Setup != nil, Port: sv.spec.Port, Restarts: max(0, sv.generation-1), LastStarted: sv.spawnedAt, DependsOn: sv.spec.DependsOn}
	status.Host, status.HostHeader, status.NamedPorts = sv.spec.Host, sv.spec.HostHeader, sv.spec.NamedPorts
	if sv.phase.live() {
		status.Port = sv.procSpec.Port
		if p := s.childOf(name); p != nil {
			status.PID, status.Since = p.PID(), sv.startedAt
		}
	}
	if a := s.processes[name]; sv.spec.Ready.Kind != procfile.None || a != nil && a.listening {
		status.Address = sv.spec.Address
	}
	if !sv.phase.live() && sv.exit != nil {
		status.Exit = sv.exit.String()
	}
	status.StaysStopped = sv.goal == goalStop || sv.goal == goalKill
	switch sv.phase {
	case waiting:
		status.State = StateWaiting
		if on := s.unmetDependency(sv); on != "" {
			status.Detail = "waits for " + on
		}
		if on := s.blocker(name); on != "" {
			root := s.statusOf(on)
			status.BlockedBy = Blocker{on, root.State, root.Detail, root.LastStarted}
			status.Detail = "waits for " + on + ", which " + root.outcome()
		}
	case starting:
		status.State = StateStarting
	case running:
		switch {
		case sv.goal != goalNone:
			status.State = StateStopping
		case sv.ready:
			status.State, status.ReadyMS = StateReady, float64(sv.readyAfter.Microseconds())/1000
			status.Trial = !sv.deadline.IsZero()
		default:
			finding := s.processes[name].finding
			status.State, status.Detail = StateStarting, describeNotReady(sv.procSpec, finding)
			if wrong, ok := finding.(WrongPort); ok {
				status.WrongPorts = wrong.Ports
			}
		}
	case backoff:
		status.State, status.RestartAt = StateBackoff, sv.deadline
		left := max(time.Until(sv.deadline), 0) + time.Second - 1 // rounded up
		status.Detail = fmt.Sprintf("%s; restarting in %d s", sv.exit, left/time.Second)
	case stopping, killing:
		status.State = StateStopping
	case ended, removed:
		status.State = StateDone
		switch {
		case sv.userStopped || sv.exit != nil && sv.exit.Requested:
			status.State = StateStopped
		case sv.exit != nil && sv.exit.Failed():
			status.State, status.Detail = StateFailed, sv.exit.String()
			if during := sv.outage.String(); during != "" {
				status.Detail += " " + during
			}
		}
	}
	s.addBuild(&status, sv)
	s.addShared(&status, sv)
	return status
}

// Dependents returns the services among all that depend on the named ones,
// directly or not, and were not stopped, sorted.
func Dependents(all []Status, names ...string) (dependents []string) {
	for on := slices.Clone(names); len(on) > 0; on = on[1:] {
		for _, st := range all {
			known := slices.Contains(names, st.Service) || slices.Contains(dependents, st.Service)
			if !known && slices.Contains(st.DependsOn, on[0]) && st.State != StateStopped {
				dependents, on = append(dependents, st.Service), append(on, st.Service)
			}
		}
	}
	slices.Sort(dependents)
	return dependents
}
