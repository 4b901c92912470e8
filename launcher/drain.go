package launcher

import "context"

// drainPhase is whether a process that will be restarted finishes its requests.
type drainPhase int

const (
	notDrained drainPhase = iota
	draining
	drained
)

// nextEvent returns the event that is due before a restart, if any.
func (d drainPhase) nextEvent() (kind eventKind, due bool) {
	switch d {
	case notDrained:
		return evDrain, true
	case drained:
		return evTerminate, true
	}
	return 0, false
}

// drain waits until a service has finished its requests.
func (s *supervisor) drain(name string, generation int) {
	ctx, cancel := context.WithCancel(context.Background())
	s.processes[name].stopDrain = cancel
	s.goroutines.Go(func() {
		defer cancel()
		s.options.Drain(ctx, name)
		s.post(message{service: name, generation: generation, event: event{kind: evDrained}})
	})
}
