package launcher

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// Processes returns the pids of all live processes, by service.
func (c *Controller) Processes(ctx context.Context) (map[string][]int, error) {
	children := map[string]child{}
	err := c.call(ctx, func(s *supervisor) {
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children[name] = c
			}
		}
	})
	processes := make(map[string][]int, len(children))
	for name, c := range children { // which takes a while: not in the supervisor's goroutine
		processes[name] = c.Members()
	}
	return processes, err
}

// ProcessesOf returns the pids of all live processes of a service.
func (c *Controller) ProcessesOf(ctx context.Context, service string) ([]int, error) {
	var child child
	err := c.call(ctx, func(s *supervisor) {
		if _, known := s.services[service]; known {
			child = s.childOf(service)
		}
	})
	if err != nil || child == nil {
		return nil, err
	}
	return child.Members(), nil
}

// listenTimeout is how long to look for the port of a service without a check.
const listenTimeout = 10 * time.Minute

// watchListening waits until a process that has no check listens on its port:
// until then, its address leads nowhere. A process that listens there already
// may be another one.
func (s *supervisor) watchListening(alive context.Context, sv service, p child) (stop context.CancelFunc) {
	spec := sv.procSpec
	ctx, cancel := context.WithTimeout(alive, listenTimeout)
	accepts := s.system.Probe(spec, procfile.Check{Kind: procfile.TCP})
	start := time.Now()
	listening := func(ctx context.Context) error {
		if !s.ports.mayListen(spec.Port, time.Since(start)/4) {
			return errNoAnswer
		}
		if err := accepts(ctx); err != nil {
			return err
		}
		if s.options.Listening != nil && spec.Container == nil && !slices.Contains(s.options.Listening(p.Members()), spec.Port) {
			return errNoAnswer
		}
		return nil
	}
	s.goroutines.Go(func() {
		defer cancel()
		err := probe.Until(ctx, listening, func(error, time.Duration) {})
		if err == nil && alive.Err() == nil {
			s.post(message{service: spec.Service, generation: sv.generation, notice: Listening{Service: spec.Service, Port: spec.Port}})
		}
	})
	return cancel
}

// portList is a list of all ports that any process listens on, which is shared by
// the services that do not listen yet: connecting to each of them takes longer.
type portList struct {
	list func() (map[int]bool, error) // nil: there is no list

	mu    sync.Mutex
	ports map[int]bool
	at    time.Time
}

// minListAge is the age up to which mayListen uses a list whatever maxAge is.
// It is less than the pause between two checks of a service. Without it, 200
// services that start at once would read 200 lists, which takes 5 % of the
// processor time of their start.
const minListAge = 20 * time.Millisecond

// mayListen reports whether a process listens on a port, according to a list
// that is at most maxAge old; maxAge is limited to the range from minListAge to
// a second. Without a list it returns true.
func (l *portList) mayListen(port int, maxAge time.Duration) bool {
	if l.list == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() || time.Since(l.at) > max(minListAge, min(maxAge, time.Second)) {
		ports, err := l.list()
		if err != nil {
			return true
		}
		l.ports, l.at = ports, time.Now()
	}
	return l.ports[port]
}

// reportListening records that a service listens on its port, and reports it.
func (s *supervisor) reportListening(sv service, e Listening) {
	if sv.phase != running {
		return
	}
	s.processes[sv.spec.Service].listening = true
	s.changed = true
	e.Address, e.Took = sv.spec.Address, time.Since(sv.startedAt)
	s.options.Notify(e)
}
